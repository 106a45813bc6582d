/** Changes of the maximum use count, newest first. */
import type { ReactNode } from "react";
import type { KeyChange } from "../api/key-life.ts";
import { changeStateText, groupedText, keyUseText } from "../format/key-words.ts";
import { wallClockText } from "../format/time.ts";

/** The list of changes, or that there was none. */
export function Changes({ changes }: { readonly changes: readonly KeyChange[] }): ReactNode {
  const newest = changes.findLast(({ state }) => state === "done");
  return (
    <section className="terminal-card" aria-label="Changes">
      <h2>Changes by the server</h2>
      {changes.length === 0 && <p className="terminal-about">None: the keys fit ten years as they are.</p>}
      <ul className="key-changes" data-testid="key-changes">
        {changes.toReversed().map((change) => (
          <li key={change.version} data-state={change.state}>
            <span className="key-change-what">
              <strong>{groupedText(change.maximum)} uses a key</strong>
              <span>{changeStateText(change, change === newest)}</span>
            </span>
            <span className="key-change-when">
              <span>Begun {wallClockText(change.begunAtUnixMs)}</span>
              {change.endedAtUnixMs !== null && <span>Ended {wallClockText(change.endedAtUnixMs)}</span>}
              {change.taken !== null && <span>At {keyUseText(change.taken)}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
