/** `pericard demo`: everything at once, or with `--once` one recording there and back. */
import type { Command } from "commander";
import { CliError } from "../errors.ts";
import { outputFor } from "../output.ts";
import { stopSignal, untilAborted } from "../stop-signal.ts";

interface DemoOptions {
  readonly record?: string;
  readonly terminals: string;
  readonly data?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

const DATA = "pericard-data";

async function once(options: DemoOptions): Promise<void> {
  if (options.record === undefined) throw new CliError("ERR_USAGE", "--once needs --record FILE.hea");
  const { carryOnce } = await import("@pericard/lab");
  const output = outputFor(options);
  const report = await carryOnce({
    recordPath: options.record,
    dataPath: options.data,
    onProgress: output.progress,
    onLog: output.note,
  });
  const percent = ((100 * report.sentBytes) / report.rawBytes).toFixed(1);
  output.result(report, [
    `${report.record}: ${report.leads} leads, ${report.samples} samples in ${report.segments} segments`,
    `sent ${report.sentBytes} bytes, ${percent} % of ${report.rawBytes}; ${report.receiptsVerified} receipts verified`,
    report.identical ? "every sample read back is identical" : "SAMPLES DIFFER",
  ]);
  if (!report.identical) process.exitCode = 1;
}

async function run(options: DemoOptions): Promise<void> {
  if (options.once) return once(options);
  const terminalCount = Number(options.terminals);
  if (!Number.isInteger(terminalCount) || terminalCount < 1 || terminalCount > 64) {
    throw new CliError("ERR_USAGE", "--terminals is not a whole number from 1 to 64");
  }
  const { runDemo } = await import("@pericard/lab");
  const output = outputFor(options);
  const signal = stopSignal();
  const demo = await runDemo({
    dataPath: options.data ?? DATA,
    terminalCount,
    recordPath: options.record,
    signal,
    onProgress: output.note,
    onLog: output.note,
  });
  const { signInUrl, serverUrl, gatewayUrl, dataPath, isNew } = demo;
  output.result({ ready: true, signInUrl, serverUrl, gatewayUrl, dataPath, isNew }, [
    "",
    `  Open the viewer: ${signInUrl}`,
    "  The link signs in once, within 24 hours. The data is synthetic. Stop with Ctrl-C.",
    `  Data is in ${dataPath}; its passphrase lies beside it in ${dataPath}/kek-passphrase, which only a demo may do.`,
    "",
  ]);
  await untilAborted(signal);
  output.note("stopping");
  await demo.stop();
}

/** Adds the command. */
export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("server, gateway and terminals that stream synthetic ECG, and a viewer")
    .option("--record <file>", "WFDB header (.hea) of a record to carry as well; formats 16 and 212")
    .option("--terminals <number>", "how many terminals", "3")
    .option("--data <folder>", `folder of the installation (default: ${DATA}; with --once a temporary one)`)
    .option("--once", "carry the whole record over the real path, read it back, compare every sample, and end")
    .option("--json", "print JSON")
    .action(run);
}
