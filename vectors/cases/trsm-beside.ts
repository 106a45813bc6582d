/** Vectors of what lies beside a secure module: its record of refusals, and the counters beside a TPM. Source: docs/format.md §11.6, §11.7. */
import { sealBlob } from "@pericard/crypto";
import { concatBytes, toHex } from "@pericard/protocol";
import type { Json, VectorCase, VectorFile } from "./case.ts";
import { array, bytes, int, text } from "./cbor-writer.ts";
import { flipBit } from "./edit.ts";
import { DATA_KEY, HASH, OTHER_KEY, seededRandom } from "./fixtures.ts";
import { checksumOf } from "./trsm-image.ts";

const AT_UNIX_MS = 1_767_225_600_000;
const COUNTS = [1, 2, 3, 0xffff_ffff, 0] as const;

interface Record {
  readonly format?: number;
  readonly counts?: readonly number[];
  readonly last?: readonly (readonly [kind: number, atUnixMs: number])[];
}

function recordOf({ format = 1, counts = COUNTS, last = [] }: Record = {}): Uint8Array {
  const fields = [
    int(format),
    array(counts.map((count) => int(count))),
    array(last.map(([kind, atUnixMs]) => array([int(kind), int(atUnixMs)]))),
  ];
  return array([...fields, int(BigInt(`0x${toHex(checksumOf(array(fields)))}`))]);
}

const repeat = (count: number) => Array.from({ length: count }, (_, i) => [i % 5, AT_UNIX_MS + i] as const);

function refusalCase(name: string, expect: "accept" | "damaged", record: Uint8Array, decoded?: Json): VectorCase {
  return { name, expect, bytesHex: toHex(record), ...(decoded !== undefined && { decoded }) };
}

/** Every vector of a record of refusals. */
export function trsmRefusalVectors(): VectorFile {
  const names = ["load", "read-out", "authorisation", "rollback", "record"];
  const told = (last: readonly (readonly [number, number])[], counts: readonly number[] = COUNTS): Json => ({
    counts: Object.fromEntries(names.map((name, at) => [name, counts[at] ?? 0])),
    last: last.map(([kind, atUnixMs]) => ({ kind: names[kind] ?? "", atUnixMs })),
  });
  const damaged = (name: string, record: Uint8Array): VectorCase => refusalCase(name, "damaged", record);
  const whole = recordOf({ last: repeat(16) });
  const zero = [0, 0, 0, 0, 0];
  return {
    structure: "record of refusals",
    source: "docs/format.md §11.7",
    steps: "decode, compare the checksum",
    cases: [
      refusalCase("of nothing", "accept", recordOf({ counts: zero }), told([], zero)),
      refusalCase("with the last sixteen", "accept", whole, told(repeat(16))),
      damaged("with seventeen", recordOf({ last: repeat(17) })),
      damaged("of format 2", recordOf({ format: 2 })),
      damaged("with four counts", recordOf({ counts: [1, 2, 3, 4] })),
      damaged("with six counts", recordOf({ counts: [1, 2, 3, 4, 5, 6] })),
      damaged("with a count of 2^32", recordOf({ counts: [2 ** 32, 0, 0, 0, 0] })),
      damaged("with a refusal of kind 5", recordOf({ last: [[5, AT_UNIX_MS]] })),
      damaged("with a time before 1970", recordOf({ last: [[0, -1]] })),
      damaged("with its checksum turned over in one bit", flipBit(whole, -1)),
      damaged("with a time that is another", flipBit(whole, -8)),
      damaged("that has lost its last byte", whole.slice(0, -1)),
      damaged("with a byte more", concatBytes(whole, Uint8Array.of(0))),
      damaged("that is empty", new Uint8Array(0)),
    ],
  };
}

const COUNT = 40_000;
const SEALED = sealBlob(DATA_KEY, ["pericard/trsm-counters", COUNT], HASH, seededRandom("tpm counters"));

function counterFile(count: number, blob: Uint8Array = SEALED, format = 1): Uint8Array {
  return array([int(format), int(count), bytes(blob)]);
}

/** Every vector of the counters' file beside a TPM. */
export function trsmTpmCounterVectors(): VectorFile {
  const inputs = { authorisationHex: toHex(DATA_KEY) };
  const code = "ERR_TRSM_COUNTER";
  const refused = (name: string, file: Uint8Array, authorisation: Uint8Array = DATA_KEY): VectorCase => ({
    name,
    expect: code,
    authorisationHex: toHex(authorisation),
    bytesHex: toHex(file),
  });
  const first = sealBlob(DATA_KEY, ["pericard/trsm-counters", 0], HASH, seededRandom("tpm counters: first"));
  const others = sealBlob(DATA_KEY, ["pericard/trsm-soft", COUNT], HASH, seededRandom("tpm counters: other"));
  const accepted = (name: string, count: number, blob: Uint8Array): VectorCase => ({
    name,
    expect: "accept",
    ...inputs,
    bytesHex: toHex(counterFile(count, blob)),
    decoded: { count, counters: toHex(HASH) },
  });
  return {
    structure: "counters' file beside a TPM",
    source: "docs/format.md §11.6",
    steps: "decode, open the blob of the count that the file names",
    cases: [
      accepted("of save 40,000", COUNT, SEALED),
      accepted("of save 0", 0, first),
      refused("names a later save than its blob", counterFile(COUNT + 1)),
      refused("names an earlier save than its blob", counterFile(COUNT - 1)),
      refused("of another authorisation", counterFile(COUNT), OTHER_KEY),
      refused("whose blob is of another kind", counterFile(COUNT, others)),
      refused("whose blob is turned over in one bit", counterFile(COUNT, flipBit(SEALED, -1))),
      refused("whose blob is empty", counterFile(COUNT, new Uint8Array(0))),
      refused("of format 2", counterFile(COUNT, SEALED, 2)),
      refused("whose count is negative", counterFile(-1)),
      refused("whose count is text", array([int(1), text("40000"), bytes(SEALED)])),
      refused("with a fourth item", array([int(1), int(COUNT), bytes(SEALED), int(0)])),
      refused("that writes its count longer than needed", array([int(1), int(COUNT, 4), bytes(SEALED)])),
      refused("with a byte more", concatBytes(counterFile(COUNT), Uint8Array.of(0))),
      refused("that has lost its last byte", counterFile(COUNT).slice(0, -1)),
      refused("that is empty", new Uint8Array(0)),
    ],
  };
}
