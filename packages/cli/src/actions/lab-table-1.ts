/** Paper A's Table I: running it, and telling of it. */
import type { Table1Report, Table1Row, Table1Stream } from "@pericard/lab";
import { bytesText, outputFor, table } from "../output.ts";
import { numberOption } from "../terminal-source.ts";

interface Table1Options {
  readonly input?: readonly string[];
  readonly megabytes: string;
  readonly json?: boolean;
}

const HEAD = ["algorithm", "% of raw", "paper", "seconds", "paper", "processor a minute"] as const;

function cells({ algorithm, percent, paperPercent, seconds, paperSeconds, processorShare }: Table1Row): string[] {
  const share = processorShare > 0 ? `1/${Math.round(1 / processorShare)}` : "0";
  const paper = paperPercent === null ? "" : paperPercent.toFixed(1);
  return [algorithm, percent.toFixed(2), paper, seconds.toFixed(2), paperSeconds?.toString() ?? "", share];
}

function streamLines(stream: Table1Stream, rows: readonly Table1Row[]): readonly string[] {
  const size = `${bytesText(stream.rawBytes)}, ${stream.minutes.toFixed(1)} min`;
  return [
    `${stream.data}: ${stream.description}; ${size}`,
    ...table(HEAD, rows.map(cells)).map((line) => `  ${line}`),
    ...stream.reasons.map((reason) => `  - ${reason}`),
    "",
  ];
}

function lines({ rows, streams, paperProcessorShare }: Table1Report): readonly string[] {
  return [
    ...streams.flatMap((stream) =>
      streamLines(
        stream,
        rows.filter(({ data }) => data === stream.data),
      ),
    ),
    `The paper's compression takes 1/${Math.round(1 / paperProcessorShare)} of its processor; columns named paper are its Table I.`,
  ];
}

/** Measures the table. */
export async function table1(options: Table1Options): Promise<void> {
  const output = outputFor(options);
  const sizeBytes = 1e6 * numberOption("megabytes", options.megabytes, 0.1, 1000);
  const { measureTable1 } = await import("@pericard/lab");
  const report = await measureTable1({ sizeBytes, recordPaths: options.input ?? [] }, (data, algorithm) =>
    output.note(`${data}: ${algorithm}`),
  );
  output.result(report, lines(report));
}
