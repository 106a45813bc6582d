import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Command,
  Conflict,
  CONFLICT_CAUSES,
  Erased,
  EnvelopeId,
  ErasureCertificate,
  ErasureId,
  Gap,
  GAP_CAUSES,
  KEY_PURPOSES,
  KeyAnswer,
  KeyOffer,
  KeyRefused,
  KeyStatement,
  KeyTaken,
  PatientId,
  KeyId,
  Receipt,
  Rejected,
  Rewrap,
  STATEMENT_BYTES_MAX,
  Status,
  STATUS_HEADS_MAX,
  Stubs,
  type StatementKind,
} from "@pericard/protocol";
import * as some from "./support/arbitraries.ts";
import { expectCode } from "./support/expect-code.ts";

const { routing, recording, stream, uint32, unixMs, hash, boot } = some;
const sequence = uint32;

const receipt: fc.Arbitrary<Receipt> = fc.record({
  routing,
  receivedAtUnixMs: unixMs,
  copyCount: fc.integer({ min: 1, max: 255 }),
  hashes: fc.array(hash, { minLength: 1, maxLength: 64 }),
});
const conflict: fc.Arbitrary<Conflict> = fc.record({
  routing,
  detectedAtUnixMs: unixMs,
  hash,
  recording,
  stream,
  sequence,
  cause: fc.constantFrom(...CONFLICT_CAUSES),
});
const rejected: fc.Arbitrary<Rejected> = fc.record({
  routing,
  rejectedAtUnixMs: unixMs,
  code: fc.constantFrom("ERR_SEAL_BROKEN", "E".repeat(64), ""),
  envelope: fc.option(some.envelope),
  hashes: fc.array(hash, { maxLength: 64 }),
});
const gap: fc.Arbitrary<Gap> = fc.record({
  routing,
  recording,
  stream,
  sequence,
  cause: fc.constantFrom(...GAP_CAUSES),
  bootId: boot,
  monotonicMs: unixMs,
});
const status: fc.Arbitrary<Status> = fc.record({
  routing,
  contact: unixMs,
  bootId: boot,
  monotonicMs: unixMs,
  clockUnixMs: fc.option(fc.integer({ min: -8.64e15, max: 8.64e15 })),
  mailSeen: unixMs,
  journalItemCount: unixMs,
  journalBytes: unixMs,
  journalLimitBytes: unixMs,
  quarantineCount: unixMs,
  policyVersion: uint32,
  segmentLengthMs: fc.integer({ min: 1000, max: 60_000 }),
  cycle: uint32,
  index: some.keyIndex,
  use: uint32,
  heads: fc.array(fc.record({ recording, stream, sequence, hash, final: fc.boolean(), open: fc.boolean() }), {
    maxLength: STATUS_HEADS_MAX,
  }),
});
const rewrap: fc.Arbitrary<Rewrap> = fc.record({
  routing,
  answeredAtUnixMs: unixMs,
  envelope: hash.map((bytes) => EnvelopeId.fromBytes(bytes.slice(0, 16))),
  hpkeKey: hash.map((bytes) => KeyId.fromBytes(bytes.slice(0, 8))),
});
const erased: fc.Arbitrary<Erased> = fc.record({
  routing,
  erasedAtUnixMs: unixMs,
  recording,
  hashes: fc.array(hash, { minLength: 1, maxLength: 64 }),
});
const stubs: fc.Arbitrary<Stubs> = fc.record({
  tenant: some.tenant,
  recording,
  stream,
  erasedAtUnixMs: unixMs,
  stubs: fc
    .uniqueArray(fc.record({ sequence, hash, prev: fc.option(hash), final: fc.boolean() }), {
      minLength: 1,
      maxLength: 256,
      selector: (stub) => stub.sequence,
    })
    .map((list) => list.toSorted((a, b) => a.sequence - b.sequence)),
});
const id16 = hash.map((bytes) => bytes.slice(0, 16));
const erasure: fc.Arbitrary<ErasureCertificate> = fc.record({
  erasure: id16.map((bytes) => ErasureId.fromBytes(bytes)),
  tenant: some.tenant,
  patient: fc.option(id16.map((bytes) => PatientId.fromBytes(bytes))),
  erasedAtUnixMs: unixMs,
  reason: fc.constantFrom("asked for", "r".repeat(500)),
  by: fc.constantFrom("operator", "o".repeat(100)),
  keyCopyCount: fc.integer({ min: 1, max: 255 }),
  backupsExpireAtUnixMs: unixMs,
  part: fc.integer({ min: 1, max: 3 }),
  partCount: fc.integer({ min: 3, max: 65_535 }),
  recordings: fc.array(fc.record({ recording, terminal: some.terminal, segmentCount: uint32, stubDigest: hash }), {
    maxLength: 256,
  }),
});
const keyStatement: fc.Arbitrary<KeyStatement> = fc.record({
  version: uint32,
  purpose: fc.constantFrom(...KEY_PURPOSES),
  publicKey: hash,
  notBeforeUnixMs: unixMs,
  notAfterUnixMs: unixMs,
  rootPublicKey: hash,
});
const command: fc.Arbitrary<Command> = fc
  .record({ routing, mailNumber: unixMs, issuedAtUnixMs: unixMs, expiresAtUnixMs: unixMs })
  .chain((common) =>
    fc.oneof(
      fc.integer({ min: 1000, max: 60_000 }).map((value): Command => ({ ...common, name: "segment-length", value })),
      fc.constant<Command>({ ...common, name: "end-recording", value: 0 }),
    ),
  );

const version = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const keyOffer: fc.Arbitrary<KeyOffer> = fc.record({ routing, version, publicKey: hash, nonce: hash });
const keyAnswer: fc.Arbitrary<KeyAnswer> = fc.record({ routing, offerHash: hash, publicKey: hash });
const keyTaken: fc.Arbitrary<KeyTaken> = fc.record({
  routing,
  orderHash: hash,
  version,
  cycle: uint32,
  index: some.keyIndex,
  use: uint32,
});
const keyRefused: fc.Arbitrary<KeyRefused> = fc.record({
  routing,
  messageHash: hash,
  version: uint32,
  code: fc.constantFrom("ERR_KEY_CHANGE_LIMIT", ""),
});

/** One kind of statement, with its check hidden behind one type. */
interface Kind {
  readonly name: string;
  check(): void;
}

function kindOf<T>(name: string, kind: StatementKind<T>, values: fc.Arbitrary<T>): Kind {
  const check = (): void => {
    fc.assert(
      fc.property(values, (value) => {
        const payload = kind.encode(value);
        expect(kind.decode(payload)).toEqual(value);
        expect(kind.encode(kind.decode(payload))).toEqual(payload);
        expect(payload.length).toBeLessThan(STATEMENT_BYTES_MAX);
      }),
    );
  };
  return { name, check };
}

const KINDS = [
  kindOf("receipt", Receipt, receipt),
  kindOf("conflict", Conflict, conflict),
  kindOf("rejected", Rejected, rejected),
  kindOf("gap", Gap, gap),
  kindOf("status", Status, status),
  kindOf("key statement", KeyStatement, keyStatement),
  kindOf("command", Command, command),
  kindOf("key offer", KeyOffer, keyOffer),
  kindOf("key answer", KeyAnswer, keyAnswer),
  kindOf("key taken", KeyTaken, keyTaken),
  kindOf("key refused", KeyRefused, keyRefused),
  kindOf("rewrap", Rewrap, rewrap),
  kindOf("erased", Erased, erased),
  kindOf("stubs", Stubs, stubs),
  kindOf("erasure certificate", ErasureCertificate, erasure),
];

describe("a statement", () => {
  it.each(KINDS)("of kind $name goes both ways", ({ check }) => {
    check();
  });

  it("is of one of fifteen kinds", () => {
    expect(KINDS).toHaveLength(15);
  });
});

const one = <T>(values: fc.Arbitrary<T>): T => fc.sample(values, { numRuns: 1, seed: 7 })[0] as T;

describe("a statement that no reader takes is not written:", () => {
  const hashes = Array.from({ length: 65 }, () => new Uint8Array(32));

  it("a receipt of nothing", () => {
    expectCode(() => Receipt.encode({ ...one(receipt), hashes: [] }), "ERR_FIELD_RANGE");
  });

  it("a receipt of 65 segments", () => {
    expectCode(() => Receipt.encode({ ...one(receipt), hashes }), "ERR_FIELD_RANGE");
  });

  it("a status of 65 streams", () => {
    const head = {
      recording: one(recording),
      stream: 0,
      sequence: 0,
      hash: new Uint8Array(32),
      final: false,
      open: false,
    };
    expectCode(
      () => Status.encode({ ...one(status), heads: Array.from({ length: 65 }, () => head) }),
      "ERR_FIELD_RANGE",
    );
  });

  it("a command to make segments of no length", () => {
    expectCode(() => Command.encode({ ...one(command), name: "segment-length", value: 0 }), "ERR_FIELD_RANGE");
  });

  it("a command to end a recording with a value", () => {
    expectCode(() => Command.encode({ ...one(command), name: "end-recording", value: 1 }), "ERR_FIELD_RANGE");
  });

  it("a rejection with a code of 65 characters", () => {
    expectCode(() => Rejected.encode({ ...one(rejected), code: "E".repeat(65) }), "ERR_FIELD_RANGE");
  });
});

describe("a payload over 64 KiB", () => {
  it("is refused before it is read", () => {
    expectCode(() => Receipt.decode(new Uint8Array(STATEMENT_BYTES_MAX + 1)), "ERR_LENGTH_LIMIT");
  });
});
