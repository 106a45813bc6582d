/** Round trips of everything that seals or signs, and every bit of it turned over. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  concatBytes,
  KeyId,
  PACKAGE_BYTES_MAX,
  parseEnvelope,
  parsePackage,
  parseSegment,
  parseSigned,
  ProtocolError,
  RoutingId,
  SEALED_SEGMENT_BYTES_MAX,
  SIGNED_TYPES,
  toHex,
  utf8,
} from "@pericard/protocol";
import { DESCRIPTOR, ENCODED } from "../../../vectors/cases/body.ts";
import { seededRandom } from "../../../vectors/cases/fixtures.ts";
import { DRAFT } from "../../../vectors/cases/segment.ts";
import { bytesOf, loadCases } from "../../../vectors/load.ts";
import * as some from "../../protocol/test/support/arbitraries.ts";
import {
  CryptoError,
  ed25519Private,
  ed25519Public,
  keyIdOf,
  openBlob,
  openEnvelope,
  openPackage,
  openSegment,
  rawPublicKey,
  sealBlob,
  sealEnvelope,
  sealPackage,
  sealSegment,
  sha256,
  signMessage,
  systemRandom,
  verifyMessage,
  x25519Private,
  x25519Public,
  type BlobContext,
} from "../src/index.ts";

const KEY = some.bytes(32);

/** Whether it opened; anything but a typed refusal fails the test. */
function opens(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch (error) {
    expect(error instanceof ProtocolError || error instanceof CryptoError, String(error)).toBe(true);
    return false;
  }
}

/** Turns over every bit of `sealed`, one after the other. Gives how many there were. */
function expectEveryBitMatters(sealed: Uint8Array, open: (changed: Uint8Array) => unknown): number {
  expect(opens(() => open(sealed))).toBe(true);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const changed = sealed.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (opens(() => open(changed))) expect.fail(`opened with bit ${bit} of ${sealed.length} bytes turned over`);
  }
  return sealed.length * 8;
}

/** Drops, doubles and swaps bytes. */
function expectEveryByteMatters(sealed: Uint8Array, open: (changed: Uint8Array) => unknown): void {
  for (let at = 0; at < sealed.length; at += 1) {
    const before = sealed.subarray(0, at);
    const dropped = concatBytes(before, sealed.subarray(at + 1));
    const doubled = concatBytes(sealed.subarray(0, at + 1), sealed.subarray(at));
    expect(
      opens(() => open(dropped)),
      `byte ${at} dropped`,
    ).toBe(false);
    expect(
      opens(() => open(doubled)),
      `byte ${at} doubled`,
    ).toBe(false);
    const swapped = sealed.slice();
    [swapped[at], swapped[at + 1]] = [swapped[at + 1] ?? 0, swapped[at] ?? 0];
    if (toHex(swapped) !== toHex(sealed) && swapped.length === sealed.length) {
      expect(
        opens(() => open(swapped)),
        `bytes ${at} and ${at + 1} swapped`,
      ).toBe(false);
    }
  }
}

function firstOf(name: string) {
  const [vector] = loadCases(name);
  return vector as NonNullable<typeof vector>;
}

const segment = firstOf("segment");
const openSegmentBytes = (bytes: Uint8Array): unknown =>
  openSegment(bytesOf(segment, "storageKeyHex"), parseSegment(bytes));
const dataPackage = firstOf("data-package");
const openPackageBytes = (bytes: Uint8Array): unknown =>
  openPackage(bytesOf(dataPackage, "dataKeyHex"), parsePackage(bytes));
const envelope =
  loadCases("envelope").find(({ name }) => name === "an envelope without padding") ?? firstOf("envelope");
const openEnvelopeBytes = (bytes: Uint8Array): unknown =>
  openEnvelope(
    {
      privateKey: x25519Private(bytesOf(envelope, "hpkePrivateKeyHex")),
      publicBytes: bytesOf(envelope, "hpkePublicKeyHex"),
    },
    bytesOf(envelope, "transportKeyHex"),
    parseEnvelope(bytes),
  );
const receipt = loadCases("signed").find(({ name }) => name === "a receipt of two segments") ?? firstOf("signed");
const verifySigned = (bytes: Uint8Array): void =>
  verifyMessage(ed25519Public(bytesOf(receipt, "publicKeyHex")), parseSigned(bytes));
const BLOB_CONTEXT: BlobContext = ["test", 1];
const BLOB_KEY = new Uint8Array(32).fill(5);
const BLOB = sealBlob(BLOB_KEY, BLOB_CONTEXT, utf8("contents"), seededRandom("sealed.test"));

const SEALED = [
  ["segment", bytesOf(segment, "bytesHex"), openSegmentBytes],
  ["data package", bytesOf(dataPackage, "bytesHex"), openPackageBytes],
  ["envelope", bytesOf(envelope, "bytesHex"), openEnvelopeBytes],
  ["signed message", bytesOf(receipt, "bytesHex"), verifySigned],
  ["blob", BLOB, (bytes: Uint8Array) => openBlob(BLOB_KEY, BLOB_CONTEXT, bytes)],
] as const;

describe.each(SEALED)("a %s", (_, sealed, open) => {
  it("is refused with any bit turned over", () => {
    expect(expectEveryBitMatters(sealed, open)).toBeGreaterThan(400);
  });

  it("is refused with any byte dropped, doubled or swapped", () => {
    expectEveryByteMatters(sealed, open);
  });

  it("is refused at every shorter length", () => {
    for (let sizeBytes = 0; sizeBytes < sealed.length; sizeBytes += 1) {
      expect(
        opens(() => open(sealed.slice(0, sizeBytes))),
        `cut after ${sizeBytes} bytes`,
      ).toBe(false);
    }
  });

  it("opens again, unchanged by all this", () => {
    const copy = sealed.slice();
    open(sealed);
    expect(sealed).toEqual(copy);
  });
});

describe("sealed values", () => {
  it("are each tried bit by bit", () => {
    expect(SEALED).toHaveLength(5);
  });
});

/** Seals the fixture's segment with one part another. */
function sealFixture(edit: Partial<typeof DRAFT> = {}, encoded: Uint8Array = ENCODED): Uint8Array {
  const body = { descriptor: DESCRIPTOR, codec: "lead-residual", encoded } as const;
  return sealSegment(new Uint8Array(32), { ...DRAFT, ...edit }, body, systemRandom);
}

describe("sealing a segment", () => {
  it("opens to what was sealed", () => {
    fc.assert(
      fc.property(KEY, some.segmentHeader, some.segmentBody, (key, header, { descriptor, codec, encoded }) => {
        const sealed = sealSegment(key, header, { descriptor, codec, encoded }, systemRandom);
        const parsed = parseSegment(sealed);
        const { salt, commitment } = parsed.header;
        expect(parsed.header).toEqual({ ...header, salt, commitment });
        const opened = openSegment(key, parsed);
        expect(opened.body).toEqual({ descriptor, codec, digest: sha256(encoded), encoded });
      }),
    );
  });

  it("gives the bytes of the accepted vectors when it is given their salt", () => {
    const accepted = loadCases("segment").filter((vector) => vector.expect === "accept");
    for (const vector of accepted) {
      const bytes = bytesOf(vector, "bytesHex");
      const parsed = parseSegment(bytes);
      const key = bytesOf(vector, "storageKeyHex");
      const { descriptor, codec, encoded } = openSegment(key, parsed).body;
      const again = sealSegment(key, parsed.header, { descriptor, codec, encoded }, () => parsed.header.salt);
      expect(toHex(again)).toBe(vector.bytesHex);
    }
    expect(accepted).toHaveLength(6);
  });

  it("never uses a key twice, also with the same numbers", () => {
    const commitments = Array.from({ length: 50 }, () => toHex(parseSegment(sealFixture()).header.commitment));
    expect(new Set(commitments).size).toBe(50);
  });

  it("refuses a header that no reader takes", () => {
    expect(() => sealFixture({ index: 120 })).toThrow(expect.objectContaining({ code: "ERR_FIELD_RANGE" }));
  });

  it("refuses more than 16 MiB", () => {
    const encoded = new Uint8Array(SEALED_SEGMENT_BYTES_MAX);
    expect(() => sealFixture({}, encoded)).toThrow(expect.objectContaining({ code: "ERR_LENGTH_LIMIT" }));
  });
});

describe("sealing a data package", () => {
  it("opens to what was sealed", () => {
    fc.assert(
      fc.property(
        KEY,
        some.packageHeader,
        fc.infiniteStream(fc.uint8Array({ maxLength: 50 })),
        (key, header, stream) => {
          const data = header.items.map(() => stream.next().value as Uint8Array);
          const items = header.items.map((item, i) => ({ ...item, sizeBytes: data[i]?.length ?? 0 }));
          const parsed = parsePackage(sealPackage(key, { ...header, items }, data, systemRandom));
          expect(parsed.header.items).toEqual(items);
          expect(openPackage(key, parsed).data).toEqual(data);
        },
      ),
    );
  });

  it("refuses more than 20 MiB", () => {
    const [header] = fc.sample(some.packageHeader, { numRuns: 1, seed: 1 });
    const [item] = fc.sample(some.packageItem, { numRuns: 1, seed: 1 });
    const half = new Uint8Array(PACKAGE_BYTES_MAX / 2);
    const items = [0, 1].map(() => ({ ...(item as NonNullable<typeof item>), sizeBytes: half.length }));
    const draft = { ...(header as NonNullable<typeof header>), items };
    expect(() => sealPackage(BLOB_KEY, draft, [half, half], systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_LENGTH_LIMIT" }),
    );
  });
});

describe("sealing an envelope", () => {
  it("opens to the segments, for the server and the terminal's transport key alone", () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: KEY,
          otherSeed: KEY,
          transportKey: KEY,
          otherKey: KEY,
          cycle: some.uint32,
          index: some.keyIndex,
        }),
        fc.array(fc.uint8Array(), { minLength: 1, maxLength: 64 }),
        some.routing,
        ({ seed, otherSeed, transportKey, otherKey, cycle, index }, segments, routing) => {
          fc.pre(toHex(seed) !== toHex(otherSeed) && toHex(transportKey) !== toHex(otherKey));
          const privateKey = x25519Private(seed);
          const publicBytes = rawPublicKey(privateKey);
          const keys = {
            hpkeKey: keyIdOf(publicBytes),
            hpkePublic: x25519Public(publicBytes),
            transportKey,
            cycle,
            index,
          };
          const { envelope: id, bytes } = sealEnvelope(keys, routing, segments, systemRandom);
          const parsed = parseEnvelope(bytes);
          expect(parsed.header).toMatchObject({ envelope: id, routing });
          expect(parsed.recipient).toEqual({ hpkeKey: keyIdOf(publicBytes), cycle, index });
          expect(openEnvelope({ privateKey, publicBytes }, transportKey, parsed).segments).toEqual(segments);
          expect(opens(() => openEnvelope({ privateKey, publicBytes }, otherKey, parsed))).toBe(false);
          expect(
            opens(() => openEnvelope({ privateKey: x25519Private(otherSeed), publicBytes }, transportKey, parsed)),
          ).toBe(false);
        },
      ),
    );
  });
});

describe("signing", () => {
  it("verifies under its key alone, for every type", () => {
    const types = new Set<string>();
    fc.assert(
      fc.property(
        fc.constantFrom(...SIGNED_TYPES),
        KEY,
        KEY,
        some.bytes(8),
        fc.uint8Array(),
        (type, seed, other, keyId, payload) => {
          fc.pre(toHex(seed) !== toHex(other));
          types.add(type);
          const message = parseSigned(signMessage(ed25519Private(seed), type, keyId, payload));
          verifyMessage(ed25519Public(rawPublicKey(ed25519Private(seed))), message);
          const otherKey = ed25519Public(rawPublicKey(ed25519Private(other)));
          expect(() => verifyMessage(otherKey, message)).toThrow(
            expect.objectContaining({ code: "ERR_SIGNATURE_INVALID" }),
          );
        },
      ),
      { numRuns: 200 },
    );
    expect(types.size).toBe(SIGNED_TYPES.length);
  });

  it("gives no two types one signature", () => {
    const key = ed25519Private(new Uint8Array(32));
    const routing = RoutingId.toBytes(RoutingId.parse("00".repeat(8)));
    const signatures = SIGNED_TYPES.map((type) =>
      toHex(parseSigned(signMessage(key, type, routing, utf8("one payload"))).signature),
    );
    expect(new Set(signatures).size).toBe(SIGNED_TYPES.length);
  });

  it("names a server key by the first 8 bytes of its hash", () => {
    const publicBytes = rawPublicKey(ed25519Private(new Uint8Array(32)));
    expect(KeyId.toBytes(keyIdOf(publicBytes))).toEqual(sha256(publicBytes).slice(0, 8));
  });
});

describe("sealing a blob", () => {
  const context = fc.tuple(fc.constant("kind"), fc.nat(), some.bytes(4)).map((parts): BlobContext => [...parts]);

  it("opens under its key and context alone", () => {
    fc.assert(
      fc.property(KEY, KEY, context, context, fc.uint8Array(), (key, otherKey, one, other, plain) => {
        fc.pre(toHex(key) !== toHex(otherKey) && JSON.stringify(one) !== JSON.stringify(other));
        const blob = sealBlob(key, one, plain, systemRandom);
        expect(blob).toHaveLength(plain.length + 48);
        expect(openBlob(key, one, blob)).toEqual(plain);
        expect(opens(() => openBlob(otherKey, one, blob))).toBe(false);
        expect(opens(() => openBlob(key, other, blob))).toBe(false);
      }),
    );
  });
});
