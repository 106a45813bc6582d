/** Bytes from anyone into every decoder: typed refusals only, in bounded time and memory. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Command,
  concatBytes,
  Conflict,
  decodeEnvelopeContent,
  decodeIntakeFile,
  decodeMail,
  decodeObservations,
  decodePackageBody,
  decodeSegmentBody,
  decodeSegmentHeader,
  decodeKeyOrder,
  decodeReturnedContent,
  decodeTransferContent,
  Erased,
  ErasureCertificate,
  FetchBack,
  FetchChallenge,
  Gap,
  Intake,
  KeyAnswer,
  KeyOffer,
  KeyRefused,
  KeyStatement,
  KeyTaken,
  PaperKeyAnswer,
  PaperKeyOffer,
  PaperKeyOrder,
  parseEnvelope,
  parseKeyOrder,
  parsePackage,
  parseReturned,
  parseSegment,
  parseSigned,
  parseTransfer,
  ProtocolError,
  readPaperKeyMessage,
  Receipt,
  Rejected,
  Rewrap,
  Status,
  Stubs,
} from "@pericard/protocol";
import { head } from "../../../vectors/cases/cbor-writer.ts";
import { bytesOf, loadCases } from "../../../vectors/load.ts";

const DECODERS: readonly (readonly [name: string, decode: (bytes: Uint8Array) => unknown])[] = [
  ["parseSegment", parseSegment],
  ["parsePackage", parsePackage],
  ["parseEnvelope", parseEnvelope],
  ["parseSigned", parseSigned],
  ["decodeSegmentHeader", decodeSegmentHeader],
  ["decodeSegmentBody", decodeSegmentBody],
  ["decodePackageBody", (bytes) => decodePackageBody(bytes, [])],
  ["decodeObservations", (bytes) => decodeObservations(bytes, 1)],
  ["decodeEnvelopeContent", decodeEnvelopeContent],
  ["decodeMail", decodeMail],
  ["parseReturned", parseReturned],
  ["decodeReturnedContent", decodeReturnedContent],
  ["fetch-back", FetchBack.decode],
  ["fetch challenge", FetchChallenge.decode],
  ["parseTransfer", parseTransfer],
  ["decodeTransferContent", decodeTransferContent],
  ["decodeIntakeFile", decodeIntakeFile],
  ["intake", Intake.decode],
  ["receipt", Receipt.decode],
  ["conflict", Conflict.decode],
  ["rejected", Rejected.decode],
  ["rewrap", Rewrap.decode],
  ["erased", Erased.decode],
  ["stubs", Stubs.decode],
  ["erasure certificate", ErasureCertificate.decode],
  ["gap", Gap.decode],
  ["status", Status.decode],
  ["command", Command.decode],
  ["key statement", KeyStatement.decode],
  ["key offer", KeyOffer.decode],
  ["key answer", KeyAnswer.decode],
  ["key taken", KeyTaken.decode],
  ["key refused", KeyRefused.decode],
  ["parseKeyOrder", parseKeyOrder],
  ["decodeKeyOrder", decodeKeyOrder],
  ["paper key offer", PaperKeyOffer.decode],
  ["paper key answer", PaperKeyAnswer.decode],
  ["paper key order", PaperKeyOrder.decode],
  ["readPaperKeyMessage", readPaperKeyMessage],
];

/** Whether the decoder took the bytes; anything but a ProtocolError fails the test. */
function takes(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return false;
  }
}

const TAGS = [[], [0xd0], [0xd2], [0xd8, 0x60]].map((tag) => Uint8Array.from(tag));
const NAMES = [
  "segment",
  "data-package",
  "envelope",
  "signed",
  "mail",
  "paper-key-change",
  "returned",
  "transfer",
  "intake-file",
  "observations",
];
const SEEDS = NAMES.flatMap((name) =>
  loadCases(name)
    .filter((one) => one.expect === "accept")
    .map((one) => bytesOf(one, "bytesHex")),
);

/** A real message with bytes overwritten, doubled, dropped or cut. */
const damaged = fc
  .tuple(fc.constantFrom(...SEEDS), fc.nat(), fc.nat(40), fc.uint8Array({ maxLength: 12 }))
  .map(([seed, place, dropped, inserted]) => {
    const at = place % seed.length;
    return concatBytes(seed.subarray(0, at), inserted, seed.subarray(Math.min(seed.length, at + dropped)));
  });

describe.each(DECODERS)("%s", (_, decode) => {
  it("refuses random bytes with a typed error", () => {
    fc.assert(
      fc.property(fc.constantFrom(...TAGS), fc.uint8Array({ maxLength: 200, size: "max" }), (tag, bytes) => {
        takes(decode, concatBytes(tag, bytes));
      }),
      { numRuns: 300 },
    );
  });

  it("refuses damaged messages with a typed error", () => {
    fc.assert(
      fc.property(damaged, (bytes) => void takes(decode, bytes)),
      { numRuns: 300 },
    );
  });

  it.each([
    ["an array of 2^32 - 1", head(4, 2n ** 32n - 1n)],
    ["an array of 2^64 - 1", head(4, 2n ** 64n - 1n)],
    ["a map of 2^32 - 1", head(5, 2n ** 32n - 1n)],
    ["bytes of 2^31", head(2, 2n ** 31n)],
    ["bytes of 2^53", head(2, 2n ** 53n)],
    ["bytes of 2^64 - 1", head(2, 2n ** 64n - 1n)],
    ["text of 2^32 - 1", head(3, 2n ** 32n - 1n)],
    ["arrays of one, nested 60000 deep", new Uint8Array(60_000).fill(0x81)],
    ["maps of one, nested 60000 deep", new Uint8Array(60_000).fill(0xa1)],
    ["arrays of 2^32 - 1, nested", concatBytes(...Array.from({ length: 1000 }, () => head(4, 2n ** 32n - 1n)))],
  ])("refuses %s without the memory that it claims", (__, claim) => {
    const before = process.memoryUsage();
    for (const tag of TAGS) {
      for (const prefix of [new Uint8Array(0), head(4, 3), head(4, 4)]) {
        expect(takes(decode, concatBytes(tag, prefix, claim))).toBe(false);
      }
    }
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("decoders", () => {
  it("are all tried, with real messages", () => {
    expect([DECODERS.length, SEEDS.length]).toEqual([39, 86]);
  });

  it("do not change what they are given", () => {
    for (const seed of SEEDS) {
      const copy = seed.slice();
      for (const [, decode] of DECODERS) takes(decode, seed);
      expect(seed).toEqual(copy);
    }
  });

  it("take bytes that lie inside a larger memory", () => {
    for (const seed of SEEDS) {
      const memory = concatBytes(Uint8Array.of(1, 2, 3), seed, Uint8Array.of(4));
      const inside = memory.subarray(3, 3 + seed.length);
      for (const [, decode] of DECODERS) expect(takes(decode, inside)).toBe(takes(decode, seed));
    }
  });
});
