/** Round trips of the four structures without their seals: what is written is what is read, and only that is written. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeEnvelopeContent,
  decodePackageBody,
  decodeSegmentBody,
  decodeSegmentHeader,
  encodeEncrypt,
  concatBytes,
  encodeEncrypt0,
  encodeEnvelopeContent,
  encodeEnvelopeHeader,
  encodePackageBody,
  encodePackageHeader,
  encodePskId,
  encodeRecipientHeader,
  encodeSegmentBody,
  encodeSegmentHeader,
  encodeSign1,
  encodeSignedHeader,
  ENVELOPE_BYTES_MAX,
  ENVELOPE_CONTENT_BYTES_MAX,
  PACKAGE_BYTES_MAX,
  parseEnvelope,
  parsePackage,
  parseSegment,
  parseSigned,
  SEALED_SEGMENT_BYTES_MAX,
  RETURNED_BYTES_MAX,
  SIGNED_TYPES,
  STATEMENT_BYTES_MAX,
  TRANSFER_BYTES_MAX,
  type SegmentHeader,
} from "@pericard/protocol";
import { bytesOf, loadCases } from "../../../vectors/load.ts";
import * as some from "./support/arbitraries.ts";
import { expectCode } from "./support/expect-code.ts";

const ciphertext = fc.uint8Array({ maxLength: 100 });

describe("a sealed segment", () => {
  it("says what was written", () => {
    fc.assert(
      fc.property(some.segmentHeader, ciphertext, (header, sealed) => {
        const protectedBytes = encodeSegmentHeader(header);
        expect(decodeSegmentHeader(protectedBytes)).toEqual(header);
        const bytes = encodeEncrypt0({ protectedBytes, ciphertext: sealed });
        expect(parseSegment(bytes)).toEqual({ header, protectedBytes, ciphertext: sealed });
        expect(encodeEncrypt0(parseSegment(bytes))).toEqual(bytes);
      }),
    );
  });

  it("has a body that says what was written", () => {
    fc.assert(
      fc.property(some.segmentBody, (body) => {
        const plain = encodeSegmentBody(body);
        expect(decodeSegmentBody(plain)).toEqual(body);
        expect(encodeSegmentBody(decodeSegmentBody(plain))).toEqual(plain);
      }),
    );
  });

  const header = fc.sample(some.segmentHeader, { numRuns: 1, seed: 1 })[0] as SegmentHeader;
  const wrong: readonly (readonly [string, Partial<SegmentHeader>])[] = [
    ["stream", { stream: 256 }],
    ["sequence", { sequence: 2 ** 32 }],
    ["cycle", { cycle: -1 }],
    ["index", { index: 120 }],
    ["use", { use: 0.5 }],
    ["policy version", { policyVersion: 2 ** 32 }],
    ["salt", { salt: new Uint8Array(31) }],
    ["commitment", { commitment: new Uint8Array(33) }],
    ["prev", { prev: new Uint8Array(31) }],
  ];

  it.each(wrong)("is not written with a %s that no reader takes", (_, edit) => {
    expectCode(() => encodeSegmentHeader({ ...header, ...edit }), "ERR_FIELD_RANGE");
  });

  it("of more than 16 MiB is refused before it is read", () => {
    expectCode(() => parseSegment(new Uint8Array(SEALED_SEGMENT_BYTES_MAX + 1)), "ERR_LENGTH_LIMIT");
    expectCode(() => parseSegment(new Uint8Array(SEALED_SEGMENT_BYTES_MAX)), "ERR_COSE_STRUCTURE");
  });
});

describe("a data package", () => {
  it("says what was written", () => {
    fc.assert(
      fc.property(some.packageHeader, ciphertext, (header, sealed) => {
        const protectedBytes = encodePackageHeader(header);
        const bytes = encodeEncrypt0({ protectedBytes, ciphertext: sealed });
        expect(parsePackage(bytes)).toEqual({ header, protectedBytes, ciphertext: sealed });
      }),
    );
  });

  it("has a body that says what was written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(some.packageItem, fc.uint8Array()), { minLength: 1, maxLength: 64 }), (pairs) => {
        const items = pairs.map(([item, data]) => ({ ...item, sizeBytes: data.length }));
        const data = pairs.map(([, bytes]) => bytes);
        expect(decodePackageBody(concatBytes(...encodePackageBody(data, items)), items)).toEqual(data);
      }),
    );
  });

  it("is not written with a length that is not its data's", () => {
    const item = fc.sample(some.packageItem, { numRuns: 1, seed: 1 }).map((one) => ({ ...one, sizeBytes: 3 }));
    expectCode(() => encodePackageBody([new Uint8Array(2)], item), "ERR_FIELD_RANGE");
    expectCode(() => encodePackageBody([], item), "ERR_FIELD_RANGE");
  });

  it("is not written with 65 items", () => {
    const [header] = fc.sample(some.packageHeader, { numRuns: 1, seed: 1 });
    const items = fc.sample(some.packageItem, { numRuns: 65, seed: 1 });
    expectCode(() => encodePackageHeader({ ...(header as NonNullable<typeof header>), items }), "ERR_FIELD_RANGE");
  });

  it("of more than 20 MiB is refused before it is read", () => {
    expectCode(() => parsePackage(new Uint8Array(PACKAGE_BYTES_MAX + 1)), "ERR_LENGTH_LIMIT");
  });
});

describe("an envelope", () => {
  it("says what was written", () => {
    fc.assert(
      fc.property(
        some.envelopeHeader,
        some.recipientHeader,
        some.hash,
        some.bytes(48),
        (header, recipient, ek, wrappedKey) => {
          const message = {
            protectedBytes: encodeEnvelopeHeader(header),
            ciphertext: new Uint8Array(header.paddedBytes + 16),
            recipientProtectedBytes: encodeRecipientHeader(recipient),
            encapsulatedKey: ek,
            wrappedKey,
          };
          const bytes = encodeEncrypt(message);
          expect(parseEnvelope(bytes)).toEqual({ header, recipient, ...message });
          expect(encodeEncrypt(parseEnvelope(bytes))).toEqual(bytes);
        },
      ),
    );
  });

  it("carries what was put in, padded to a multiple of 256", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 64 }), (segments) => {
        const content = encodeEnvelopeContent(segments);
        expect(content.length % 256).toBe(0);
        expect(decodeEnvelopeContent(content)).toEqual(segments);
      }),
    );
  });

  it.each([[0], [65]])("does not carry %i segments", (count) => {
    const segments = Array.from({ length: count }, () => new Uint8Array(1));
    expect(() => encodeEnvelopeContent(segments)).toThrow(RangeError);
  });

  it("does not carry more than fits into 20 MiB", () => {
    const half = new Uint8Array(ENVELOPE_CONTENT_BYTES_MAX / 2 - 16);
    expect(encodeEnvelopeContent([half, half])).toHaveLength(ENVELOPE_CONTENT_BYTES_MAX);
    expect(() => encodeEnvelopeContent([half, half, half])).toThrow(RangeError);
  });

  it.each([0, 255, 257, ENVELOPE_CONTENT_BYTES_MAX + 256])(
    "is not written with a padded length of %i",
    (paddedBytes) => {
      const [header] = fc.sample(some.envelopeHeader, { numRuns: 1, seed: 1 });
      expectCode(
        () => encodeEnvelopeHeader({ ...(header as NonNullable<typeof header>), paddedBytes }),
        "ERR_FIELD_RANGE",
      );
    },
  );

  it("does not name a key that cannot be", () => {
    expectCode(() => encodePskId(0, 120), "ERR_FIELD_RANGE");
    expectCode(() => encodePskId(2 ** 32, 0), "ERR_FIELD_RANGE");
  });
});

const message = (type: (typeof SIGNED_TYPES)[number], payload: Uint8Array): Uint8Array =>
  encodeSign1({
    protectedBytes: encodeSignedHeader(type, new Uint8Array(8)),
    payload,
    signature: new Uint8Array(64),
  });

describe("a signed message", () => {
  it("says what was written", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SIGNED_TYPES),
        some.bytes(8),
        fc.uint8Array(),
        some.bytes(64),
        (type, keyIdBytes, payload, signature) => {
          const protectedBytes = encodeSignedHeader(type, keyIdBytes);
          const bytes = encodeSign1({ protectedBytes, payload, signature });
          expect(parseSigned(bytes)).toEqual({ type, keyIdBytes, protectedBytes, payload, signature });
          expect(encodeSign1(parseSigned(bytes))).toEqual(bytes);
        },
      ),
    );
  });

  it("of more than 64 KiB is an envelope, a returned page up to 513 KiB, or a transfer up to 2 MiB", () => {
    const payload = new Uint8Array(STATEMENT_BYTES_MAX);
    expect(parseSigned(message("pericard/envelope", payload)).payload).toHaveLength(payload.length);
    expectCode(() => parseSigned(message("pericard/receipt", payload)), "ERR_LENGTH_LIMIT");
    expect(parseSigned(message("pericard/transfer", payload)).payload).toHaveLength(payload.length);
    expect(parseSigned(message("pericard/returned", payload)).payload).toHaveLength(payload.length);
    const tooLong = new Uint8Array(RETURNED_BYTES_MAX);
    expectCode(() => parseSigned(message("pericard/returned", tooLong)), "ERR_LENGTH_LIMIT");
    const tooLarge = new Uint8Array(TRANSFER_BYTES_MAX);
    expectCode(() => parseSigned(message("pericard/transfer", tooLarge)), "ERR_LENGTH_LIMIT");
  });

  it("of more than 20 MiB is refused before it is read", () => {
    expectCode(() => parseSigned(new Uint8Array(ENVELOPE_BYTES_MAX + 1)), "ERR_LENGTH_LIMIT");
  });

  it("around the largest content is within 20 MiB", () => {
    const [first] = loadCases("envelope");
    const payload = bytesOf(first as NonNullable<typeof first>, "bytesHex");
    const overheadBytes = message("pericard/envelope", payload).length - parseEnvelope(payload).header.paddedBytes;
    expect(overheadBytes + 16).toBeLessThan(ENVELOPE_BYTES_MAX - ENVELOPE_CONTENT_BYTES_MAX);
  });
});

describe("a protected header", () => {
  it("of more than 16 KiB is refused before it is read", () => {
    const bytes = encodeEncrypt0({ protectedBytes: new Uint8Array(16 * 1024 + 1), ciphertext: new Uint8Array(16) });
    expectCode(() => parseSegment(bytes), "ERR_LENGTH_LIMIT");
  });

  it("of the largest package is within 16 KiB", () => {
    const greatest = {
      sequence: 2 ** 32 - 1,
      hash: new Uint8Array(32),
      prev: new Uint8Array(32),
      final: true,
      cycle: 2 ** 32 - 1,
      index: 119,
      use: 2 ** 32 - 1,
      policyVersion: 2 ** 32 - 1,
      firstFrame: Number.MAX_SAFE_INTEGER - 4_000_000,
      frameCount: 4_000_000,
      sizeBytes: 16 * 1024 * 1024,
      codec: "lead-residual" as const,
    };
    const [header] = fc.sample(some.packageHeader, { numRuns: 1, seed: 1 });
    const items = Array.from({ length: 64 }, () => greatest);
    const protectedBytes = encodePackageHeader({ ...(header as NonNullable<typeof header>), items });
    expect(protectedBytes.length).toBeLessThan(16 * 1024);
    expect(parsePackage(encodeEncrypt0({ protectedBytes, ciphertext: new Uint8Array(16) })).header.items).toEqual(
      items,
    );
  });
});
