/** One patient's recordings, newest first. */
import { useCallback } from "react";
import type { ReactNode } from "react";
import { durationSeconds } from "../api/types.ts";
import type { Recording } from "../api/types.ts";
import { CERTAINTY_SENTENCE, CERTAINTY_WORD, clockText, dateText, durationText, zoneText } from "../format/time.ts";
import { countText, leadsText } from "../format/words.ts";
import { leadTitle } from "../paper/lead-order.ts";
import { Link } from "../router/navigation.tsx";
import { recordingPath } from "../router/route.ts";
import { useServices } from "../services.ts";
import { RecordingBadges } from "./badges.tsx";
import { Empty, Failure, Loading } from "./notice.tsx";
import { useResource } from "./use-resource.ts";

/** Props of {@link RecordingList}. */
export interface RecordingListProps {
  readonly patientId: string;
  readonly refreshMs: number;
}

/** Recordings of one patient. */
export function RecordingList({ patientId, refreshMs }: RecordingListProps): ReactNode {
  const { api } = useServices();
  const load = useCallback((signal: AbortSignal) => api.recordings(patientId, signal), [api, patientId]);
  const recordings = useResource(load, refreshMs);
  return (
    <div className="list-body">
      {recordings.value === undefined && recordings.error === undefined && <Loading what="recordings" />}
      {recordings.error !== undefined && <Failure error={recordings.error} onRetry={recordings.reload} />}
      {recordings.value?.length === 0 && <Empty>No recordings yet.</Empty>}
      {recordings.value !== undefined && recordings.value.length > 0 && <Items recordings={recordings.value} />}
    </div>
  );
}

function Items({ recordings }: { readonly recordings: readonly Recording[] }): ReactNode {
  return (
    <ul className="items" data-testid="recordings">
      {recordings.map((recording) => (
        <li key={recording.id}>
          <Link to={recordingPath(recording.id)} className="item item-recording" testId="recording">
            <When recording={recording} />
            <span className="item-what">
              <span className="item-duration">
                {recording.leads.length === 0 ? "Values of sensors" : durationText(durationSeconds(recording))}
              </span>
              <span className="item-detail">{contentsText(recording)}</span>
            </span>
            <RecordingBadges recording={recording} />
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** What a recording holds: leads, further signals, observations. */
function contentsText({ leads, streams, frameCount }: Recording): string {
  if (leads.length === 0) return countText(frameCount, "observation");
  const others = streams.filter(({ kind }) => kind === "waveform").slice(1);
  const names = others.flatMap((stream) => stream.leads.map(({ name }) => leadTitle(name)));
  return [leadsText(leads), ...names].join("; ");
}

function When({ recording }: { readonly recording: Recording }): ReactNode {
  const { unixMs, certainty } = recording.start;
  const known = unixMs !== null && certainty !== "unknown";
  const shown = known ? unixMs : recording.receivedAtUnixMs;
  return (
    <span className="item-when" title={CERTAINTY_SENTENCE[certainty]}>
      <span className="item-title">
        {!known && "Received "}
        {dateText(shown)}, {clockText(shown)}
      </span>
      <span className="item-detail" data-testid="certainty">
        {zoneText(shown)} · {known ? `start ${CERTAINTY_WORD[certainty]}` : "start time unknown"}
      </span>
    </span>
  );
}
