/** Whose recording, when, how long, and from what. */
import type { ReactNode } from "react";
import { durationSeconds, frameRateHz } from "../api/types.ts";
import type { Recording } from "../api/types.ts";
import { CERTAINTY_SENTENCE, CERTAINTY_WORD, durationText, wallClockText } from "../format/time.ts";
import { countText } from "../format/words.ts";
import { trimmed } from "../paper/speeds.ts";
import { Link } from "../router/navigation.tsx";
import { patientPath, terminalPath } from "../router/route.ts";
import { RecordingBadges } from "../views/badges.tsx";

/** Header of the recording page; it is printed too. */
export function RecordingHeader({ recording }: { readonly recording: Recording }): ReactNode {
  return (
    <header className="recording-header">
      <div className="recording-title">
        <Link to={patientPath(recording.patientId)} className="back-link always" testId="patient-link">
          Recordings
        </Link>
        <h1 data-testid="patient-name">{recording.patientName}</h1>
        <RecordingBadges recording={recording} />
      </div>
      <dl className="facts">
        <Fact name="Start">
          <Start recording={recording} />
        </Fact>
        <Fact name="Length">{durationText(durationSeconds(recording))}</Fact>
        <Fact name="Signal">
          {countText(recording.leads.length, "lead")}, {trimmed(frameRateHz(recording))} Hz
        </Fact>
        <Fact name="Terminal">
          <Link to={terminalPath(recording.terminalSerial)} testId="terminal-link">
            {recording.terminalSerial}
          </Link>
        </Fact>
      </dl>
    </header>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Start({ recording }: { readonly recording: Recording }): ReactNode {
  const { unixMs, certainty } = recording.start;
  const known = unixMs !== null && certainty !== "unknown";
  return (
    <span title={CERTAINTY_SENTENCE[certainty]} data-testid="start-time" data-certainty={certainty}>
      {known ? wallClockText(unixMs) : "unknown"}{" "}
      <span className={`certainty certainty-${certainty}`}>
        {known ? CERTAINTY_WORD[certainty] : `received ${wallClockText(recording.receivedAtUnixMs)}`}
      </span>
    </span>
  );
}
