/**
 * The record of what a module refused, durable beside it: how often by kind, and when the last ones were.
 *
 *     CBOR[1, [loads, read-outs, authorisations, rollbacks, records], [[kind, unix-ms], …], CRC-32C of the array before]
 *
 * Who can write the folder can remove it: it tells accidents and careless hands, not an attacker with root.
 *
 * Source: docs/format.md §11.7.
 */
import type { Folder } from "@pericard/framelog";
import { decodeCanonical, encodeCbor, readArray, readInt, readTuple, readUint32, readUnixMs } from "@pericard/protocol";
import { crc32c } from "./crc32c.ts";
import { onDisk, TrsmError, type TrsmErrorCode } from "./errors.ts";

const RECORD_FILE = "trsm.refusals";
const FORMAT = 1;
const RECORD_BYTES_MAX = 1024;
/** How many of the last refusals keep their time. */
const LAST_COUNT_MAX = 16;

/** What was refused; `record` stands for a record of refusals that was damaged and begun anew. */
export const REFUSAL_KINDS = ["load", "read-out", "authorisation", "rollback", "record"] as const;
export type RefusalKind = (typeof REFUSAL_KINDS)[number];

const KIND_OF: Partial<Record<TrsmErrorCode, RefusalKind>> = {
  ERR_TRSM_LOADED: "load",
  ERR_TRSM_READ_OUT: "read-out",
  ERR_TRSM_AUTHORISATION: "authorisation",
  ERR_TRSM_ROLLBACK: "rollback",
};

/** One refusal; the time is a claim of the machine's clock. */
export interface Refusal {
  readonly kind: RefusalKind;
  readonly atUnixMs: number;
}

/** Everything that a module refused. */
export interface RefusalRecord {
  readonly counts: Readonly<Record<RefusalKind, number>>;
  /** The last ones, at most 16, oldest first. */
  readonly last: readonly Refusal[];
}

const NONE: RefusalRecord = { counts: countsOf(() => 0), last: [] };

/** The record beside a module. One that is damaged counts as one refusal of kind `record`. */
export function readRefusals(folder: Folder): RefusalRecord {
  const bytes = onDisk(() => folder.read(RECORD_FILE));
  if (!bytes) return NONE;
  try {
    return decodeRecord(bytes);
  } catch {
    return { ...NONE, counts: { ...NONE.counts, record: 1 } };
  }
}

/** Does work; a refusal among {@link REFUSAL_KINDS} is durable in the record before it is thrown. */
export function recordingRefusals<T>(folder: Folder, nowUnixMs: () => number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const kind = error instanceof TrsmError ? KIND_OF[error.code] : undefined;
    if (kind) tryRecord(folder, { kind, atUnixMs: writableTime(nowUnixMs()) });
    throw error;
  }
}

/** A clock that is wrong must not cost the record. */
function writableTime(unixMs: number): number {
  return Number.isSafeInteger(unixMs) && unixMs >= 0 ? unixMs : 0;
}

/** A disk that takes no record must not turn a refusal into something else. */
function tryRecord(folder: Folder, refusal: Refusal): void {
  try {
    const { counts, last } = readRefusals(folder);
    const count = Math.min(counts[refusal.kind] + 1, 0xffff_ffff);
    writeRecord(folder, {
      counts: { ...counts, [refusal.kind]: count },
      last: [...last, refusal].slice(-LAST_COUNT_MAX),
    });
  } catch (error) {
    if (!(error instanceof TrsmError)) throw error;
  }
}

function writeRecord(folder: Folder, { counts, last }: RefusalRecord): void {
  const times = last.map(({ kind, atUnixMs }) => [REFUSAL_KINDS.indexOf(kind), atUnixMs]);
  const fields = [FORMAT, REFUSAL_KINDS.map((kind) => counts[kind]), times];
  onDisk(() => folder.replace(RECORD_FILE, encodeCbor([...fields, crc32c(encodeCbor(fields))])));
}

function decodeRecord(bytes: Uint8Array): RefusalRecord {
  const [format, counts, last, checksum] = readTuple("refusals", decodeCanonical(bytes, RECORD_BYTES_MAX), 4);
  if (format !== FORMAT) throw new TypeError("record of refusals has another format");
  const numbers = readTuple("counts", counts, REFUSAL_KINDS.length).map((count) => readUint32("count", count));
  const refusals = readArray("last refusals", last, 0, LAST_COUNT_MAX).map(decodeRefusal);
  const record = { counts: countsOf((at) => numbers[at] ?? 0), last: refusals };
  const fields = [FORMAT, numbers, refusals.map(({ kind, atUnixMs }) => [REFUSAL_KINDS.indexOf(kind), atUnixMs])];
  if (checksum !== crc32c(encodeCbor(fields))) throw new TypeError("checksum is wrong");
  return record;
}

function decodeRefusal(value: unknown): Refusal {
  const [kind, atUnixMs] = readTuple("refusal", value, 2);
  const at = readInt("kind of refusal", kind, 0, REFUSAL_KINDS.length - 1);
  return { kind: REFUSAL_KINDS[at] ?? "record", atUnixMs: readUnixMs("time of refusal", atUnixMs) };
}

function countsOf(count: (at: number) => number): RefusalRecord["counts"] {
  return Object.fromEntries(REFUSAL_KINDS.map((kind, at) => [kind, count(at)])) as Record<RefusalKind, number>;
}
