/** Small labels: state, synthetic data, gaps. */
import type { ReactNode } from "react";
import type { Recording, RecordingState } from "../api/types.ts";
import { STATE_SENTENCE, STATE_WORD, countText } from "../format/words.ts";

/** Live, complete or interrupted; a word and a colour, never colour alone. */
export function StateBadge({ state }: { readonly state: RecordingState }): ReactNode {
  return (
    <span className={`badge badge-${state}`} title={STATE_SENTENCE[state]} data-testid="state-badge" data-state={state}>
      {STATE_WORD[state]}
    </span>
  );
}

/** Marks data that no patient gave. */
export function SyntheticBadge(): ReactNode {
  return (
    <span
      className="badge badge-synthetic"
      title="Made by a program or a test, not by a patient."
      data-testid="synthetic-badge"
    >
      Synthetic data
    </span>
  );
}

/** State, synthetic mark, gaps and segments still out of order, as far as they apply. */
export function RecordingBadges({ recording }: { readonly recording: Recording }): ReactNode {
  const { gaps, pendingCount, state, synthetic } = recording;
  return (
    <span className="badges">
      <StateBadge state={state} />
      {synthetic && <SyntheticBadge />}
      {gaps.length > 0 && <span className="badge">{countText(gaps.length, "gap")}</span>}
      {pendingCount > 0 && (
        <span className="badge badge-pending" title="Stored, but an earlier part has not arrived yet.">
          {countText(pendingCount, "segment")} pending
        </span>
      )}
    </span>
  );
}
