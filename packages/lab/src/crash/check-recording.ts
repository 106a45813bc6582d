/** Whether what the API gives is the source, whole and once. */
import type { ApiClient, RecordingDescription } from "@pericard/server";
import { readBack } from "../demo/read-back.ts";
import { LabError } from "../errors.ts";
import type { KnownSource } from "./sources.ts";

/** Recordings of a site's terminal's patient, the oldest first. */
export async function recordingsOf(client: ApiClient, number: number): Promise<readonly RecordingDescription[]> {
  const patient = (await client.patients()).find(({ name }) => name === `Demo patient ${number}`);
  if (!patient) throw new LabError("ERR_READ_BACK", `terminal ${number} has no patient`);
  return (await client.recordings(patient.id)).toReversed();
}

/** What was found of a recording that must be whole. */
export interface WholeRecording {
  readonly recordingCount: number;
  readonly state: string;
  readonly pendingCount: number;
  readonly gapCount: number;
  readonly identical: boolean;
}

/** What a whole recording is. */
export const WHOLE: WholeRecording = {
  recordingCount: 1,
  state: "complete",
  pendingCount: 0,
  gapCount: 0,
  identical: true,
};

/** Reads the recording of a terminal that recorded one source, and compares every sample. */
export async function checkWhole(client: ApiClient, number: number, source: KnownSource): Promise<WholeRecording> {
  const recordings = await recordingsOf(client, number);
  const [recording] = recordings;
  if (!recording) throw new LabError("ERR_READ_BACK", `terminal ${number} has no recording`);
  const { identical } = await readBack(client, recording, source, source.blocks());
  return {
    recordingCount: recordings.length,
    state: recording.state,
    pendingCount: recording.pendingCount,
    gapCount: recording.gaps.length,
    identical,
  };
}
