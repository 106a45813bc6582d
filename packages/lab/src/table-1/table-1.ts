/** Paper A's Table I anew: its four rows, others and this project's, on streams of known make. Source: paper A §III. */
import { ALGORITHMS } from "./algorithms.ts";
import { measureCauses, type Causes } from "./causes.ts";
import { explain, hasPaperOrder } from "./explain.ts";
import { minutesOf, recordedStream, syntheticStreams, type Stream } from "./stream.ts";

/** What is compressed. */
export interface Table1Options {
  /** Most bytes of each stream; the paper's file had 100,000,000. */
  readonly sizeBytes: number;
  /** WFDB headers (.hea) of recordings, after the synthetic streams. */
  readonly recordPaths: readonly string[];
}

/** One row. */
export interface Table1Row {
  readonly data: string;
  readonly algorithm: string;
  /** Of the raw bytes. */
  readonly percent: number;
  readonly seconds: number;
  readonly paperPercent: number | null;
  readonly paperSeconds: number | null;
  /** Share of one core that compression at the recording's own pace takes; the paper's is 1/30. */
  readonly processorShare: number;
}

/** One stream, and why its rows are as they are. */
export interface Table1Stream extends Causes {
  readonly data: string;
  readonly description: string;
  readonly rawBytes: number;
  readonly minutes: number;
  readonly hasPaperOrder: boolean;
  readonly reasons: readonly string[];
}

export interface Table1Report {
  readonly rows: readonly Table1Row[];
  readonly streams: readonly Table1Stream[];
  /** Two seconds for each recorded minute. */
  readonly paperProcessorShare: number;
}

/** Measures everything. `tell` hears of each row before it is made. @throws what reading of a recording throws. */
export async function measureTable1(
  { sizeBytes, recordPaths }: Table1Options,
  tell: (data: string, algorithm: string) => void,
): Promise<Table1Report> {
  const rows: Table1Row[] = [];
  const streams: Table1Stream[] = [];
  const take = (stream: Stream): void => {
    const measured = measureRows(stream, (algorithm) => tell(stream.name, algorithm));
    rows.push(...measured);
    tell(stream.name, "causes");
    streams.push(describe(stream, measured));
  };
  for (const stream of syntheticStreams(sizeBytes)) take(stream);
  for (const path of recordPaths) take(await recordedStream(path, sizeBytes));
  return { rows, streams, paperProcessorShare: 1 / 30 };
}

function measureRows(stream: Stream, tell: (algorithm: string) => void): readonly Table1Row[] {
  return ALGORITHMS.flatMap(({ name, paperPercent, paperSeconds, run }) => {
    tell(name);
    const compressed = run(stream);
    if (!compressed) return [];
    const { sizeBytes, seconds } = compressed;
    return [
      {
        data: stream.name,
        algorithm: name,
        percent: (100 * sizeBytes) / stream.bytes.length,
        seconds,
        paperPercent,
        paperSeconds,
        processorShare: seconds / (60 * minutesOf(stream)),
      },
    ];
  });
}

function describe(stream: Stream, rows: readonly Table1Row[]): Table1Stream {
  const percents = Object.fromEntries(rows.map(({ algorithm, percent }) => [algorithm, percent]));
  const causes = measureCauses(stream);
  return {
    data: stream.name,
    description: stream.description,
    rawBytes: stream.bytes.length,
    minutes: minutesOf(stream),
    ...causes,
    hasPaperOrder: hasPaperOrder(percents),
    reasons: explain(causes, percents),
  };
}
