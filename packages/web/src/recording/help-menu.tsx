/** Keys and gestures of the recording page. */
import type { ReactNode } from "react";
import { KEY_HELP } from "../paper/keys.ts";
import { Popover } from "./popover.tsx";

/** Panel that lists them. */
export function HelpMenu(): ReactNode {
  return (
    <Popover label="Keys" testId="help" className="wide-only">
      <dl className="key-list">
        {KEY_HELP.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Popover>
  );
}
