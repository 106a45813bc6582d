/** Vectors of encoded segments, of every codec. Source: docs/codec-lead-residual.md, docs/codec-bytes.md. */
import { crc32 } from "node:zlib";
import type { EcgErrorCode } from "@pericard/ecg";
import { concatBytes, fromHex, toHex } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";

type Leads = readonly (readonly number[])[];

const LIMITS = { leadCountMax: 4, sampleCountMax: 400 };
const MALFORMED = "ERR_CODEC_MALFORMED";
const LIMIT = "ERR_CODEC_LIMIT";

function accept(codec: string, name: string, bytes: Uint8Array, leads: Leads): VectorCase {
  return { name: `${codec}: ${name}`, expect: "accept", codec, ...LIMITS, bytesHex: toHex(bytes), decoded: { leads } };
}

/** What is refused under one codec. */
type Refused = readonly [name: string, bytes: Uint8Array, code: EcgErrorCode];

const refuse =
  (codec: string) =>
  ([name, bytes, expect]: Refused): VectorCase => ({
    name: `${codec}: ${name}`,
    expect,
    codec,
    ...LIMITS,
    bytesHex: toHex(bytes),
  });

const byte = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** Little-endian, `sizeBytes` bytes each. */
function integers(sizeBytes: 2 | 4, values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * sizeBytes));
  for (const [i, value] of values.entries()) {
    if (sizeBytes === 2) view.setInt16(i * 2, value, true);
    else view.setInt32(i * 4, value, true);
  }
  return new Uint8Array(view.buffer);
}

const GZIP_HEAD = byte(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/** A gzip member of one stored block (RFC 1951 §3.2.4), so that no compressor has a say in it. */
function storedGzip(raw: Uint8Array): Uint8Array {
  const size = new DataView(new ArrayBuffer(4));
  size.setUint16(0, raw.length, true);
  size.setUint16(2, raw.length ^ 0xffff, true);
  return concatBytes(GZIP_HEAD, byte(1), new Uint8Array(size.buffer), raw, gzipTrailer(raw, raw.length));
}

function gzipTrailer(raw: Uint8Array, sizeBytes: number): Uint8Array {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc32(raw), true);
  trailer.setUint32(4, sizeBytes, true);
  return new Uint8Array(trailer.buffer);
}

/** A dedup stream of one chunk of up to 63 bytes, or of none. */
const oneChunk = (raw: Uint8Array): Uint8Array =>
  raw.length === 0 ? byte(1, 0) : concatBytes(byte(1, raw.length, raw.length * 2), raw);

const THREE: Leads = [[1, -2, 3, -4], [32_767, -32_768], []];
const THREE_HEAD = byte(1, 3, 2, 4, 2, 0);
const THREE_RAW = integers(2, [1, -2, 32_767, 3, -4, -32_768]);
const WIDE: Leads = [[-2_147_483_648, 2_147_483_647]];
const WIDE_HEAD = byte(1, 1, 4, 2);
const WIDE_RAW = integers(4, [-2_147_483_648, 2_147_483_647]);

const WRITERS: Readonly<Record<string, (raw: Uint8Array) => Uint8Array>> = {
  raw: (raw) => raw,
  gzip: storedGzip,
  dedup: oneChunk,
  "gzip+dedup": (raw) => oneChunk(storedGzip(raw)),
  "dedup+gzip": (raw) => storedGzip(oneChunk(raw)),
};

function overBytes(codec: string, write: (raw: Uint8Array) => Uint8Array): readonly VectorCase[] {
  const good = concatBytes(THREE_HEAD, write(THREE_RAW));
  return [
    accept(codec, "three leads, one of half the rate, one empty", good, THREE),
    accept(codec, "the least and the greatest sample", concatBytes(WIDE_HEAD, write(WIDE_RAW)), WIDE),
    accept(codec, "a lead of no samples", concatBytes(byte(1, 1, 2, 0), write(byte())), [[]]),
    ...(
      [
        ["head of another version", good.with(0, 2), MALFORMED],
        ["no leads", concatBytes(byte(1, 0, 2), write(byte())), MALFORMED],
        ["samples of three bytes", good.with(2, 3), MALFORMED],
        ["five leads where four are allowed", concatBytes(byte(1, 5, 2, 0, 0, 0, 0, 0), write(byte())), LIMIT],
        ["401 samples where 400 are allowed", concatBytes(byte(1, 1, 2, 0x91, 3), write(byte())), LIMIT],
        ["a sample less than stated", concatBytes(THREE_HEAD, write(THREE_RAW.subarray(2))), MALFORMED],
        ["a sample more than stated", concatBytes(byte(1, 1, 2, 5), write(THREE_RAW)), LIMIT],
        ["a length in more bytes than needed", concatBytes(byte(1, 1, 2, 0x86, 0), write(THREE_RAW)), MALFORMED],
        // A gzip member ends with its length, which a cut moves.
        ["cut by a byte", good.subarray(0, -1), codec.endsWith("gzip") ? LIMIT : MALFORMED],
        ["a byte after its end", concatBytes(good, byte(0)), codec === "raw" ? LIMIT : MALFORMED],
        ["nothing at all", byte(), MALFORMED],
      ] satisfies Refused[]
    ).map(refuse(codec)),
  ];
}

function gzipCases(): readonly VectorCase[] {
  const good = storedGzip(THREE_RAW);
  const changed = (at: number, value: number): Uint8Array => concatBytes(THREE_HEAD, good.with(at, value));
  const body = good.subarray(10, -8);
  const list: readonly Refused[] = [
    ["a member with a time", changed(4, 1), MALFORMED],
    ["a member of a named system", changed(9, 3), MALFORMED],
    ["a member with a name", concatBytes(THREE_HEAD, good.subarray(0, 10).with(3, 8), byte(0), body), MALFORMED],
    ["two members", concatBytes(THREE_HEAD, storedGzip(byte()), good), MALFORMED],
    ["another checksum", changed(good.length - 8, (good[good.length - 8] ?? 0) ^ 1), MALFORMED],
    ["a stated length beyond the samples", concatBytes(THREE_HEAD, GZIP_HEAD, body, gzipTrailer(THREE_RAW, 13)), LIMIT],
  ];
  return list.map(refuse("gzip"));
}

function dedupCases(): readonly VectorCase[] {
  const head = byte(1, 1, 2, 6);
  const list: readonly Refused[] = [
    ["stream of another version", concatBytes(head, byte(2, 12, 24), THREE_RAW), MALFORMED],
    ["an empty chunk", concatBytes(head, byte(1, 12, 0, 24), THREE_RAW), MALFORMED],
    ["an empty run", concatBytes(head, byte(1, 12, 1, 0, 24), THREE_RAW), MALFORMED],
    ["a run of what did not come before", concatBytes(head, byte(1, 12, 3, 0, 24), THREE_RAW), MALFORMED],
    ["a run of two where one came", concatBytes(head, byte(1, 12, 8, 1, 0, 2, 0, 5, 0)), MALFORMED],
    ["a run over the length", concatBytes(head, byte(1, 12, 16, 1, 0, 2, 0, 3, 0, 4, 0, 3, 0)), MALFORMED],
    ["a chunk over the length", concatBytes(head, byte(1, 12, 26), THREE_RAW, byte(0)), MALFORMED],
    ["a stated length beyond the samples", concatBytes(head, byte(1, 13, 26), THREE_RAW, byte(0)), LIMIT],
  ];
  const twice = concatBytes(byte(1, 1, 2, 4), byte(1, 8, 8, 1, 0, 2, 0, 3, 0));
  const runs = concatBytes(head, byte(1, 12, 4, 1, 0, 4, 2, 0, 5, 0, 3, 1, 3, 0));
  return [
    accept("dedup", "a chunk that comes again", twice, [[1, 2, 1, 2]]),
    accept("dedup", "a run of two chunks, and runs of one", runs, [[1, 2, 1, 2, 2, 1]]),
    ...list.map(refuse("dedup")),
  ];
}

/** Streams of version 1 as they are on disks: a decoder must go on reading them. */
const RESIDUAL_RANGE =
  "01032005ffffffff0f210021010e0000001c01000000000000000000f0fffff9ff7f01000000000000e0ffff030bffffff7ffffffffffff7ff10b6b301";
const RESIDUAL_PALETTE =
  "010131c8010003000000004804f9ff7ffeff5f8008000401621a985677841d538f15774c3d56dc31f55871c7d463c51d2b1301e8d2bd08";

function leadResidualCases(): readonly VectorCase[] {
  const range = fromHex(RESIDUAL_RANGE);
  const palette = fromHex(RESIDUAL_PALETTE);
  const list: readonly Refused[] = [
    ["another version", range.with(0, 2), MALFORMED],
    ["no leads", byte(1, 0), MALFORMED],
    ["five leads where four are allowed", byte(1, 5, 0x20, 0, 0, 0, 0, 0), LIMIT],
    ["401 samples where 400 are allowed", byte(1, 1, 0x20, 0x91, 3, 0), LIMIT],
    ["a lead of unknown kind", byte(1, 1, 0xa0, 0), MALFORMED],
    ["an unknown predictor", byte(1, 1, 0x26, 1, 0), MALFORMED],
    ["an unknown limb lead", byte(1, 1, 0x64, 1, 0, 0), MALFORMED],
    ["a palette larger than its lead", byte(1, 1, 0x30, 3, 0, 3, 0), MALFORMED],
    ["a first lead without a length", byte(1, 1, 0), MALFORMED],
    ["a rank outside its palette", palette.with(7, (palette[7] ?? 0) + 40), MALFORMED],
    ["no end mark", range.with(range.length - 1, 0), MALFORMED],
    ["cut by a byte", range.subarray(0, -1), MALFORMED],
    ["a byte after its end", concatBytes(range, byte(1)), MALFORMED],
    ["a byte after leads of no samples", byte(1, 1, 0x21, 0, 0), MALFORMED],
  ];
  return [
    accept("lead-residual", "a lead of no samples", byte(1, 1, 0x21, 0), [[]]),
    accept("lead-residual", "the whole range of samples", range, [
      [-2_147_483_648, 2_147_483_647, 0, -32_768, 32_767],
      [],
      [7],
    ]),
    accept("lead-residual", "a lead of few values", palette, [
      Array.from({ length: 200 }, (_, k) => 9 * ((k * k) % 12)),
    ]),
    ...list.map(refuse("lead-residual")),
  ];
}

/** Every vector of an encoded segment. */
export function codecVectors(): VectorFile {
  return {
    structure: "encoded segment",
    source: "docs/codec-lead-residual.md, docs/codec-bytes.md",
    steps: "decode bytes under codec, with at most leadCountMax leads and sampleCountMax samples",
    cases: [
      ...leadResidualCases(),
      ...Object.entries(WRITERS).flatMap(([codec, write]) => overBytes(codec, write)),
      ...gzipCases(),
      ...dedupCases(),
    ],
  };
}
