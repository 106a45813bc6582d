import * as fc from "fast-check";
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { BYTE_CODEC_NAMES, BYTE_CODECS, createSynthesiser, EcgError, type ByteCodecName } from "../src/index.ts";

const LIMIT = 100_000;

/** Bytes in which stretches come again at odd places, so that every kind of entry occurs. */
const repeating = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 700 }), { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(), { maxLength: 40 }),
  )
  .map(([stretches, order]) => Buffer.concat(order.map((n) => stretches[n % stretches.length] ?? Buffer.alloc(0))));

function ramp(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i, 0x9e37_79b1) >>> 24) ^ (i >> 7));
}

/** A noise-free recording: what comes again after 500 frames is the same. */
function periodic(frames: number): Uint8Array {
  const options = { seed: 1, heartRateBpm: 60, heartRateDeviationBpm: 0, noiseUv: 0, wanderUv: 0 };
  const { leads } = createSynthesiser(options).block(0, 500);
  const beat = Buffer.from(
    Int16Array.from({ length: 6000 }, (_, i) => leads[i % 12]?.[Math.floor(i / 12)] ?? 0).buffer,
  );
  return Buffer.concat(Array.from({ length: frames / 500 }, () => beat));
}

/** A gzip member's last eight bytes. */
function trailer(bytes: Uint8Array, sizeBytes = bytes.length): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, crc32(bytes), true);
  view.setUint32(4, sizeBytes, true);
  return new Uint8Array(view.buffer);
}

/** The bytes, or the code of the refusal. Anything but a typed error fails. */
function outcome(name: ByteCodecName, bytes: Uint8Array, limitBytes = LIMIT): Uint8Array | string {
  try {
    const decoded = BYTE_CODECS[name].decode(bytes, limitBytes);
    expect(decoded.length).toBeLessThanOrEqual(limitBytes);
    return decoded;
  } catch (error) {
    expect(error).toBeInstanceOf(EcgError);
    return (error as EcgError).code;
  }
}

describe.each(BYTE_CODEC_NAMES)("%s", (name) => {
  const codec = BYTE_CODECS[name];

  test("gives any bytes back, and is deterministic", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 9000 }), repeating), (bytes) => {
        const before = bytes.slice();
        const encoded = codec.encode(bytes);
        expect(Buffer.compare(bytes, before)).toBe(0);
        expect(Buffer.compare(codec.decode(encoded, bytes.length), before)).toBe(0);
        expect(Buffer.compare(codec.encode(bytes), encoded)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test.each([0, 1, 95, 96, 127, 128, 129, 511, 512, 513, 4095, 4096, 4097, 70_000])("gives %i bytes back", (length) => {
    for (const bytes of [ramp(length), new Uint8Array(length), new Uint8Array(length).fill(255)]) {
      expect(Buffer.compare(codec.decode(codec.encode(bytes), length), bytes)).toBe(0);
    }
  });

  test("refuses a result over the limit, and takes one at it", () => {
    const encoded = codec.encode(ramp(5000));
    expect(outcome(name, encoded, 4999)).toBe("ERR_CODEC_LIMIT");
    expect(codec.decode(encoded, 5000)).toHaveLength(5000);
  });

  test("refuses every truncation and every appended byte", () => {
    const encoded = codec.encode(Buffer.concat([ramp(900), ramp(900), ramp(300)]));
    for (let length = 0; length < encoded.length; length++) {
      expect(outcome(name, encoded.subarray(0, length)), `first ${length} bytes`).toMatch(/^ERR_CODEC_/);
    }
    for (const extra of [0, 1, 31, 255]) expect(outcome(name, Uint8Array.of(...encoded, extra))).toMatch(/^ERR_CODEC_/);
  });

  test("meets arbitrary bytes and edits with typed errors and bounded results", () => {
    const encoded = codec.encode(Buffer.concat([ramp(900), ramp(900), periodic(1000)]));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }), (changes) => {
        const edited = encoded.slice();
        for (const [at, value] of changes) edited[at % edited.length] = value;
        outcome(name, edited);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
        outcome(name, tail);
        outcome(name, Uint8Array.of(1, ...tail));
      }),
      { numRuns: 1000 },
    );
  });

  test("keeps nothing from one call to the next", () => {
    const bytes = ramp(5000);
    const alone = codec.encode(bytes);
    codec.encode(ramp(9000));
    expect(Buffer.compare(codec.encode(bytes), alone)).toBe(0);
  });

  test("makes a noise-free recording at most a twelfth", () => {
    const bytes = periodic(10_000);
    expect(codec.encode(bytes).length).toBeLessThan(bytes.length / 12);
  });
});

describe("dedup", () => {
  const refused: readonly (readonly [string, string, readonly number[]])[] = [
    ["another version", "version is 2", [2, 0]],
    ["an entry of nothing", "empty entry", [1, 1, 0]],
    ["a repeat of nothing", "empty entry", [1, 1, 1, 0]],
    ["a repeat of what did not come", "did not come before", [1, 1, 3, 0]],
    ["a repeat of what comes later", "did not come before", [1, 4, 2, 7, 3, 1]],
    ["a repeat over its length", "repeats more than its length", [1, 3, 4, 7, 7, 3, 0]],
    ["a chunk over its length", "chunk that is too long", [1, 1, 4, 7, 7]],
    ["a chunk of 65 537 bytes", "chunk that is too long", [1, 0x81, 0x80, 4, 0x82, 0x80, 8, ...new Uint8Array(65_537)]],
    ["a size of 2^32", "malformed integer", [1, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ["a size in more bytes than needed", "malformed integer", [1, 0x80, 0]],
    ["bytes after its end", "bytes after its end", [1, 1, 2, 7, 0]],
  ];

  test.each(refused)("%s is refused", (_, message, bytes) => {
    expect(() => BYTE_CODECS.dedup.decode(Uint8Array.from(bytes), LIMIT)).toThrow(message);
  });

  test("a stretch is found again at any distance and any offset", () => {
    const stretch = ramp(20_000);
    const encoded = BYTE_CODECS.dedup.encode(Buffer.concat([stretch, ramp(60_001).toReversed(), stretch]));
    expect(encoded.length).toBeLessThan(60_001 + 20_000 + 4000);
  });

  test("noise grows by at most a sixty-fourth", () => {
    let state = 1;
    const noise = Uint8Array.from({ length: 50_000 }, () => (state = Math.imul(state, 48_271) % 0x7fff_ffff) >> 8);
    expect(BYTE_CODECS.dedup.encode(noise).length).toBeLessThan(50_000 + 50_000 / 64 + 64);
  });
});

describe("gzip", () => {
  const raw = ramp(3000);
  const member = BYTE_CODECS.gzip.encode(raw);
  const head = member.subarray(0, 10);
  const refused: readonly (readonly [string, Uint8Array])[] = [
    ["two members", Buffer.concat([member, member])],
    ["an empty member before", Buffer.concat([BYTE_CODECS.gzip.encode(new Uint8Array(0)), member])],
    ["a member with a name", Buffer.concat([head.with(3, 8), Uint8Array.of(0), member.subarray(10)])],
    ["a member with a time", member.with(4, 1)],
    ["another checksum", member.with(member.length - 8, (member[member.length - 8] ?? 0) ^ 1)],
    ["a length that is too small", Buffer.concat([head, deflateRawSync(raw), trailer(raw, 2999)])],
    ["a length that is too large", Buffer.concat([head, deflateRawSync(raw), trailer(raw, 3001)])],
    [
      "a byte between contents and checksum",
      Buffer.concat([head, deflateRawSync(raw), Uint8Array.of(0), trailer(raw)]),
    ],
  ];

  test.each(refused)("%s is refused", (_, bytes) => {
    expect(outcome("gzip", bytes)).toBe("ERR_CODEC_MALFORMED");
  });

  test("a bomb is refused by what it states, and stopped at what it states", () => {
    const bomb = deflateRawSync(new Uint8Array(50_000_000));
    expect(outcome("gzip", Buffer.concat([head, bomb, trailer(raw, 50_000_000)]))).toBe("ERR_CODEC_LIMIT");
    expect(outcome("gzip", Buffer.concat([head, bomb, trailer(raw, 10)]))).toBe("ERR_CODEC_MALFORMED");
  });
});
