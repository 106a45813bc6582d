/** Small labels: state, synthetic data, suite, gaps. */
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

/** Marks what came by suite paper-2018, whose ciphers protect nothing. */
export function PaperBadge(): ReactNode {
  return (
    <span
      className="badge badge-paper"
      title="Sealed with the ciphers of 2018, which protect nothing: an experiment."
      data-testid="paper-badge"
    >
      paper-2018, experiment
    </span>
  );
}

/** State, synthetic mark, suite mark, gaps and segments still out of order, as far as they apply. */
export function RecordingBadges({ recording }: { readonly recording: Recording }): ReactNode {
  const { gaps, pendingCount, state, suite, synthetic } = recording;
  return (
    <span className="badges">
      <StateBadge state={state} />
      {synthetic && <SyntheticBadge />}
      {suite === "paper-2018" && <PaperBadge />}
      {gaps.length > 0 && <span className="badge">{countText(gaps.length, "gap")}</span>}
      {pendingCount > 0 && (
        <span className="badge badge-pending" title="Stored, but an earlier part has not arrived yet.">
          {countText(pendingCount, "segment")} pending
        </span>
      )}
    </span>
  );
}
