/** Writes a recording as a WFDB record, by the server's API. */
import type { SampleBlock } from "@pericard/ecg";
import type { ApiClient, RecordingDescription } from "@pericard/server";
import { PAPER_MARK } from "./suite-mark.ts";
import { wfdbBaseTime, writeWfdb, type WrittenWfdb } from "./write-wfdb.ts";

/** What was written. */
export interface WfdbExport extends WrittenWfdb {
  readonly recording: string;
}

/** Paper-2018 data is marked wherever it goes: nothing protected it on its way. */
function suiteComments({ suite }: RecordingDescription): readonly string[] {
  return suite === "paper-2018" ? [PAPER_MARK] : [];
}

async function* blocksOf(client: ApiClient, recording: RecordingDescription): AsyncGenerator<SampleBlock> {
  for await (const { fromFrame, toFrame, leads } of client.allSamples(recording)) {
    yield { frameCount: toFrame - fromFrame, leads };
  }
}

/** Exports into a folder. @throws {CliError} as {@link writeWfdb}. */
export async function exportWfdb(
  client: ApiClient,
  recording: RecordingDescription,
  folder: string,
  onProgress: (frame: number) => void,
): Promise<WfdbExport> {
  const { frameRateHz, leads, id, start } = recording;
  const options = {
    recordName: `r${id}`,
    format: { frameRateHz, leads },
    baseTime: wfdbBaseTime(start.unixMs),
    comments: [`recording ${id}, start ${start.certainty}`, ...suiteComments(recording)],
  };
  return { recording: id, ...(await writeWfdb(folder, options, () => blocksOf(client, recording), onProgress)) };
}
