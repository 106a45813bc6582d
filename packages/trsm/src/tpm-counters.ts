/**
 * The counters' file beside a module in a TPM. Each save counts one in a monotonic counter of the TPM, and the file says
 * which: an older copy that was put back is told by its count.
 *
 *     CBOR[1, count, blob of the counters under the authorisation value, context CBOR["pericard/trsm-counters", count]]
 *
 * Source: docs/format.md §11.6.
 */
import { openBlob, sealBlob, type BlobContext, type RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { decodeCanonical, encodeCbor, readBytesUpTo, readInt, readTuple } from "@pericard/protocol";
import type { CounterStore } from "./counters.ts";
import { onDisk, TrsmError } from "./errors.ts";

const COUNTER_FILE = "trsm.counters";
const FORMAT = 1;
const FILE_BYTES_MAX = 8192;
/** Uses in one save: TPM memory wears, and some TPMs slow their counters down. */
const USES_PER_RESERVATION = 1024;

/** A counter that only rises and that nobody sets back. */
export interface MonotonicCount {
  read(): number;
  /** Adds 1; durable when it returns. */
  increment(): void;
}

/** What the store works with. */
export interface TpmCounterParts {
  readonly folder: Folder;
  readonly random: RandomSource;
  readonly authorisation: Uint8Array;
  readonly count: MonotonicCount;
}

/** The counters of a module in a TPM. */
export function tpmCounterStore(parts: TpmCounterParts): CounterStore {
  return {
    usesPerReservation: USES_PER_RESERVATION,
    load: () => loadCounters(parts),
    save: (bytes) => saveCounters(parts, bytes),
  };
}

/** The file first: a crash after it leaves a file that is one ahead, never one behind. */
function saveCounters(parts: TpmCounterParts, counters: Uint8Array): void {
  const { folder, random, authorisation, count } = parts;
  const next = finishedCount(parts) + 1;
  const blob = sealBlob(authorisation, contextOf(next), counters, random);
  onDisk(() => folder.replace(COUNTER_FILE, encodeCbor([FORMAT, next, blob])));
  count.increment();
}

/** The TPM's count once an interrupted save is counted too. Two files must never have one count. */
function finishedCount({ folder, count }: TpmCounterParts): number {
  const now = count.read();
  const bytes = onDisk(() => folder.read(COUNTER_FILE));
  if (!bytes || trySavedCount(bytes) !== now + 1) return now;
  count.increment();
  return now + 1;
}

/** A damaged file, or one that a module of another kind left, is about to be replaced. */
function trySavedCount(bytes: Uint8Array): number | undefined {
  try {
    return readFile(bytes).saved;
  } catch (error) {
    if (error instanceof TrsmError) return undefined;
    throw error;
  }
}

/** Changes nothing: a module may be opened, to be verified, while its terminal saves. */
function loadCounters({ folder, authorisation, count }: TpmCounterParts): Uint8Array | undefined {
  const now = count.read();
  const bytes = onDisk(() => folder.read(COUNTER_FILE));
  if (!bytes) return undefined;
  const [saved, counters] = openCounters(authorisation, bytes);
  if (saved === now || saved === now + 1) return counters;
  throw new TrsmError("ERR_TRSM_ROLLBACK", `counters are of save ${saved}, the TPM counted ${now}`);
}

/** The count of a file, and the counters in it. @throws {TrsmError} ERR_TRSM_COUNTER when it is damaged. */
export function openCounters(
  authorisation: Uint8Array,
  bytes: Uint8Array,
): readonly [count: number, counters: Uint8Array] {
  const { saved, blob } = readFile(bytes);
  try {
    return [saved, openBlob(authorisation, contextOf(saved), blob)];
  } catch (cause) {
    throw damaged(cause);
  }
}

function readFile(bytes: Uint8Array): { readonly saved: number; readonly blob: Uint8Array } {
  try {
    const [format, count, blob] = readTuple("counters", decodeCanonical(bytes, FILE_BYTES_MAX), 3);
    if (format !== FORMAT) throw new TypeError("counters have another format");
    const saved = readInt("count", count, 0, Number.MAX_SAFE_INTEGER);
    return { saved, blob: readBytesUpTo("counters", blob, FILE_BYTES_MAX) };
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause: unknown): TrsmError {
  return new TrsmError("ERR_TRSM_COUNTER", "counters beside the TPM are damaged", { cause });
}

function contextOf(count: number): BlobContext {
  return ["pericard/trsm-counters", count];
}
