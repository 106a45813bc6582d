/** Carries one whole recording over the real path and proves that it came back. */
import { samplesPerFrameTotal } from "@pericard/ecg";
import { ApiClient, countAuditEntries } from "@pericard/server";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { LabError } from "../errors.ts";
import { startChild } from "./child.ts";
import { createDemoLink, demoPaths, openDemo, prepareTerminal, type DemoPaths } from "./installation.ts";
import { openRecordFile, readBack, recordBlocks } from "./read-back.ts";
import { startStack } from "./stack.ts";

/** The proof. */
export interface OnceReport {
  readonly record: string;
  readonly leads: number;
  readonly sampleRateHz: number;
  /** Values over all leads. */
  readonly samples: number;
  readonly segments: number;
  /** 2 bytes a value. */
  readonly rawBytes: number;
  /** HTTP bodies from the terminal to the gateway. */
  readonly sentBytes: number;
  readonly receiptsVerified: number;
  readonly samplesReadBack: number;
  readonly identical: boolean;
  readonly auditEntries: number;
}

export interface OnceOptions {
  readonly recordPath: string;
  /** Folder to keep; undefined for one that is removed. */
  readonly dataPath: string | undefined;
  readonly onProgress: (line: string) => void;
  readonly onLog: (line: string) => void;
}

const LINK_LIFETIME_MS = 3600_000;

/** What {@link carryRecord} works with. */
export interface CarryParts {
  readonly paths: DemoPaths;
  readonly client: ApiClient;
  readonly onProgress: (line: string) => void;
  readonly onLog: (line: string) => void;
}

/**
 * Records a file at terminal 1 of a running stack, uploads it, reads it back through the API and compares.
 *
 * @throws {EcgError} when the record is refused; {LabError} ERR_CHILD_FAILED.
 */
export async function carryRecord(
  { paths, client, onProgress, onLog }: CarryParts,
  recordPath: string,
): Promise<Omit<OnceReport, "auditEntries">> {
  const record = await openRecordFile(recordPath);
  onProgress("recording, sealing and uploading");
  const args = ["terminal", "record", "--data", paths.terminal(1), "--record", recordPath, "--json"];
  const terminal = await startChild({ args, onLog });
  const code = await terminal.ended;
  if (code !== 0) throw new LabError("ERR_CHILD_FAILED", `terminal ended with code ${code}`);
  const told = terminal.lines.at(-1) ?? {};
  onProgress("reading back and comparing");
  const recording = await client.recording(String(told["recording"]));
  const compared = await readBack(client, recording, record, recordBlocks(record));
  const { num, den } = record.format.frameRateHz;
  const samples = record.frameCount * samplesPerFrameTotal(record.format);
  return {
    record: basename(recordPath, ".hea"),
    leads: record.format.leads.length,
    sampleRateHz: num / den,
    samples,
    segments: recording.segmentCount,
    rawBytes: 2 * samples,
    sentBytes: Number(told["sentBytes"]),
    receiptsVerified: Number(told["receiptsVerified"]),
    ...compared,
  };
}

/**
 * Carries one record through a server and a gateway of its own.
 *
 * @throws {EcgError} when the record is refused; {LabError} ERR_CHILD_FAILED.
 */
export async function carryOnce(options: OnceOptions): Promise<OnceReport> {
  await openRecordFile(options.recordPath);
  const root = options.dataPath ?? mkdtempSync(join(tmpdir(), "pericard-once-"));
  const paths = demoPaths(root);
  try {
    const { store } = openDemo(paths);
    const { onLog, onProgress } = options;
    const stack = await startStack({ paths, viewerPath: undefined, port: 0, onLog });
    let report: Omit<OnceReport, "auditEntries">;
    try {
      prepareTerminal(paths, store, 1, stack.gatewayUrl);
      const client = await ApiClient.signIn(stack.serverUrl, createDemoLink(store, LINK_LIFETIME_MS));
      report = await carryRecord({ paths, client, onProgress, onLog }, options.recordPath);
    } finally {
      await stack.stop();
      store.close();
    }
    return { ...report, auditEntries: countAuditEntries(paths.server) };
  } finally {
    if (options.dataPath === undefined) rmSync(root, { recursive: true, force: true });
  }
}
