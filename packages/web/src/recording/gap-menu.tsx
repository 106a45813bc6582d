/** List of a recording's gaps, each a step to its place. */
import type { ReactNode } from "react";
import { frameRateHz } from "../api/types.ts";
import type { Gap, Recording } from "../api/types.ts";
import { durationText, elapsedText } from "../format/time.ts";
import { causeText, countText } from "../format/words.ts";
import { Popover } from "./popover.tsx";

/** More would not be read; the overview shows them all. */
const SHOWN_MAX = 200;

/** Props of {@link GapMenu}. */
export interface GapMenuProps {
  readonly recording: Recording;
  readonly onCentre: (frame: number) => void;
}

/** Menu that says where data is absent, for how long and why. */
export function GapMenu({ recording, onCentre }: GapMenuProps): ReactNode {
  const { gaps } = recording;
  return (
    <Popover label={countText(gaps.length, "gap")} testId="gap-menu">
      <ul className="gap-list">
        {gaps.slice(0, SHOWN_MAX).map((gap) => (
          <li key={gap.fromFrame}>
            <button type="button" onClick={() => onCentre((gap.fromFrame + gap.toFrame) / 2)}>
              <GapText gap={gap} rateHz={frameRateHz(recording)} />
            </button>
          </li>
        ))}
      </ul>
      {gaps.length > SHOWN_MAX && <p>And {gaps.length - SHOWN_MAX} more.</p>}
    </Popover>
  );
}

function GapText({ gap, rateHz }: { readonly gap: Gap; readonly rateHz: number }): ReactNode {
  return (
    <>
      <span className="gap-at">{elapsedText(gap.fromFrame / rateHz)}</span>
      <span>{durationText((gap.toFrame - gap.fromFrame) / rateHz)}</span>
      <span>{causeText(gap.cause)}</span>
    </>
  );
}
