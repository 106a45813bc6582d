/** View of `/recordings/:id`: loads the recording, then hands it to the viewer. */
import type { ReactNode } from "react";
import type { Recording } from "../api/types.ts";
import { countText } from "../format/words.ts";
import { Link } from "../router/navigation.tsx";
import { trendsPath } from "../router/route.ts";
import { Empty, Failure, Loading } from "../views/notice.tsx";
import { RecordingViewer } from "./recording-viewer.tsx";
import { useLiveRecording } from "./use-live-recording.ts";

/** Props of {@link RecordingView}; `at` is the position asked for, in seconds or the end. */
export interface RecordingViewProps {
  readonly recordingId: string;
  readonly at: number | "end" | undefined;
}

/** One recording, or why it cannot be shown. */
export function RecordingView({ recordingId, at }: RecordingViewProps): ReactNode {
  const live = useLiveRecording(recordingId);
  const { recording, error, reload } = live;
  if (recording === undefined) {
    return error === undefined ? <Loading what="the recording" /> : <Failure error={error} onRetry={reload} />;
  }
  if (recording.leads.length === 0) return <ValuesOnly recording={recording} />;
  return <RecordingViewer recording={recording} live={live} at={at} />;
}

/** What sensors told has no signal to draw: it is among the patient's values. */
function ValuesOnly({ recording }: { readonly recording: Recording }): ReactNode {
  return (
    <Empty>
      This recording has {countText(recording.frameCount, "observation")} and no signal.{" "}
      <Link to={trendsPath(recording.patientId)} testId="to-trends">
        Trends of {recording.patientName}
      </Link>
    </Empty>
  );
}
