/** What a terminal says of itself, as plain JSON values. */
import { SUITE_NAME, type RecordingId, type RoutingId, type SuiteName, type TerminalId } from "@pericard/protocol";
import { readRefusals, type RefusalRecord, type TrsmKind } from "@pericard/trsm";
import { journalFileName } from "./journal/guarded-log.ts";
import { isDiskError } from "./journal/journal-error.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** A terminal's state at one moment. Everything in it can be written as JSON. */
export interface TerminalStatus {
  readonly serial: TerminalId;
  /** `paper-2018` is an experiment and marked as one wherever it is shown. */
  readonly suite: SuiteName;
  readonly routing: RoutingId;
  readonly journal: {
    /** Durable items without a receipt. */
    readonly items: number;
    /** Bytes of all files. */
    readonly bytes: number;
    readonly limitBytes: number;
    readonly quarantined: number;
    /** Milliseconds since the oldest unreceipted item was appended; null without one, or when it is of an earlier run. */
    readonly oldestUnreceiptedAgeMs: number | null;
    /** Code of what stopped the journal, e.g. ERR_JOURNAL_DISK_FULL; null while it takes segments. */
    readonly failure: string | null;
    /** Runs of bytes that were found damaged when the journal was opened, the first 16. */
    readonly damaged: readonly { readonly file: string; readonly offsetBytes: number; readonly sizeBytes: number }[];
  };
  readonly trsm: {
    /** `soft` is simulated: root on the terminal can read its keys. */
    readonly kind: TrsmKind;
    /** What the module refused, in its whole life; null when the disk does not tell. */
    readonly refusals: RefusalRecord | null;
  };
  readonly keyUse: {
    readonly cycle: number;
    readonly index: number;
    readonly use: number;
    readonly maximum: number;
    readonly policyVersion: number;
  };
  /** null when nothing is recorded, or before the first segment. */
  readonly recording: RecordingId | null;
  readonly segmentLengthMs: number;
  /** The terminal's clock, a claim, at the last valid receipt of this run; null before it. */
  readonly lastReceiptAtUnixMs: number | null;
  readonly upload: {
    /** The target that answered last; null before the first answer, and when nothing answers. */
    readonly target: string | null;
    /** Bytes of all bodies sent in this run. */
    readonly sentBytes: number;
    /** Items that valid receipts of this run listed. */
    readonly receiptsVerified: number;
    /** Messages in the mail that were malformed or not the server's. */
    readonly badMail: number;
    /** Key statements that were not the pinned root's or not newer. */
    readonly keyStatementsIgnored: number;
  };
  /** Segments of this run that the journal's medium lost or the server refused, and for which gaps were stated. */
  readonly gapsStated: number;
}

/** What a status takes from the terminal's run. */
export interface TerminalRun {
  readonly recording: RecordingId | null;
  readonly receiptsVerified: number;
  readonly lastReceiptAtUnixMs: number | null;
  readonly target: string | null;
  readonly sentBytes: number;
  readonly badMail: number;
}

/** The status of opened parts in their run. */
export function makeTerminalStatus(parts: TerminalParts, run: TerminalRun): TerminalStatus {
  const { journal, module, provision, commands, trust, gaps } = parts;
  const { cycle, index, use, maximum, policyVersion } = module.keyUse;
  const { target, sentBytes, receiptsVerified, badMail } = run;
  return {
    serial: provision.serial,
    suite: SUITE_NAME[module.suite],
    routing: provision.routing,
    journal: {
      items: journal.pending.size,
      bytes: journal.sizeBytes,
      limitBytes: journal.limitBytes,
      quarantined: journal.quarantined.size,
      oldestUnreceiptedAgeMs: oldestAgeMs(parts),
      failure: journal.failure?.code ?? null,
      damaged: journal.replay.damaged.map(({ fileNumber, offsetBytes, sizeBytes }) => ({
        file: journalFileName(fileNumber),
        offsetBytes,
        sizeBytes,
      })),
    },
    trsm: trsmOf(parts),
    keyUse: { cycle, index, use, maximum, policyVersion },
    recording: run.recording,
    segmentLengthMs: commands.segmentLengthMs(),
    lastReceiptAtUnixMs: run.lastReceiptAtUnixMs,
    upload: { target, sentBytes, receiptsVerified, badMail, keyStatementsIgnored: trust.ignoredCount },
    gapsStated: gaps.statedCount,
  };
}

function trsmOf({ folder, trsmKind }: TerminalParts): TerminalStatus["trsm"] {
  try {
    return { kind: trsmKind, refusals: readRefusals(folder) };
  } catch (error) {
    if (!isDiskError(error)) throw error;
    return { kind: trsmKind, refusals: null };
  }
}

function oldestAgeMs({ journal, clock }: TerminalParts): number | null {
  const [oldest] = journal.pending;
  return oldest && oldest.appendedAtMs !== null ? clock.monotonicMs() - oldest.appendedAtMs : null;
}
