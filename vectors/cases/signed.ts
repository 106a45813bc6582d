/** Vectors of signed messages, one or more of each type. Source: docs/format.md §3.3, §7. */
import { ed25519Private, ed25519Sign, keyIdOf, signMessage } from "@pericard/crypto";
import {
  Command,
  concatBytes,
  Conflict,
  Erased,
  ErasureCertificate,
  ErasureId,
  FetchBack,
  FetchChallenge,
  Gap,
  Intake,
  IntakeId,
  KeyAnswer,
  KeyId,
  KeyOffer,
  KeyRefused,
  KeyStatement,
  KeyTaken,
  parseSigned,
  PatientId,
  Receipt,
  RecordingId,
  Rejected,
  Rewrap,
  RoutingId,
  SIGNED_TYPES,
  Status,
  Stubs,
  TenantId,
  TerminalId,
  toHex,
  utf8,
  type SignedType,
} from "@pericard/protocol";
import { toJson, type Json, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FALSE, FLOAT_ONE, head, int, map, NULL, text } from "./cbor-writer.ts";
import { flipBit, flipIn, type Code } from "./edit.ts";
import { EMPTY_MAP, truncations } from "./encrypt0.ts";
import { ENVELOPE_BYTES } from "./envelope.ts";
import { ANSWER, OFFER, ORDER_PAYLOAD } from "./key-change.ts";
import { RETURNED_BYTES } from "./returned.ts";
import { INTAKE_STATEMENT, TRANSFER_BYTES } from "./transfer.ts";
import {
  BINDING,
  BOOT,
  ENVELOPE,
  FACTORY_SIGN,
  HASH,
  INTAKE,
  INTAKE_AGREE,
  OTHER_HASH,
  PLACE,
  ROOT_SIGN,
  ROOT_SIGN_ID,
  ROUTING,
  SERVER_HPKE,
  SERVER_SIGN,
  SERVER_SIGN_ID,
  TERMINAL_SIGN,
  USE,
  type RawPair,
} from "./fixtures.ts";

const TAG = Uint8Array.of(0xd2);
const TERMINAL_KID = RoutingId.toBytes(ROUTING);
const NOW = 1_760_000_020_000;

/** Whose key signs a type, and its id. */
interface Signer {
  readonly pair: RawPair;
  readonly keyId: Uint8Array;
}
const TERMINAL: Signer = { pair: TERMINAL_SIGN, keyId: TERMINAL_KID };
const SERVER: Signer = { pair: SERVER_SIGN, keyId: KeyId.toBytes(SERVER_SIGN_ID) };
const FACTORY: Signer = { pair: FACTORY_SIGN, keyId: KeyId.toBytes(keyIdOf(FACTORY_SIGN.publicBytes)) };
const ROOT: Signer = { pair: ROOT_SIGN, keyId: KeyId.toBytes(ROOT_SIGN_ID) };

const SIGNERS: Readonly<Record<SignedType, Signer>> = {
  "pericard/envelope": TERMINAL,
  "pericard/status": TERMINAL,
  "pericard/gap": TERMINAL,
  "pericard/receipt": SERVER,
  "pericard/conflict": SERVER,
  "pericard/rejected": SERVER,
  "pericard/rewrap": SERVER,
  "pericard/erased": SERVER,
  "pericard/stubs": SERVER,
  "pericard/erasure": SERVER,
  "pericard/command": SERVER,
  "pericard/key-offer": SERVER,
  "pericard/key-answer": TERMINAL,
  "pericard/key-order": SERVER,
  "pericard/key-taken": TERMINAL,
  "pericard/key-refused": TERMINAL,
  "pericard/fetch-back": TERMINAL,
  "pericard/fetch-challenge": SERVER,
  "pericard/returned": SERVER,
  "pericard/key-statement": ROOT,
  "pericard/intake": SERVER,
  "pericard/transfer": FACTORY,
};

const RECEIPT: Receipt = { routing: ROUTING, receivedAtUnixMs: NOW, copyCount: 2, hashes: [HASH, OTHER_HASH] };
const CONFLICT: Conflict = { ...PLACE, routing: ROUTING, detectedAtUnixMs: NOW, hash: HASH, cause: "chain" };
const REJECTED: Rejected = {
  routing: ROUTING,
  rejectedAtUnixMs: NOW,
  code: "ERR_SEAL_BROKEN",
  envelope: ENVELOPE,
  hashes: [],
};
const { recording: ERASED_RECORDING, stream: ERASED_STREAM } = PLACE;
const ERASED: Erased = {
  routing: ROUTING,
  erasedAtUnixMs: NOW,
  recording: ERASED_RECORDING,
  hashes: [HASH, OTHER_HASH],
};
const STUBS: Stubs = {
  tenant: BINDING.tenant,
  recording: ERASED_RECORDING,
  stream: ERASED_STREAM,
  erasedAtUnixMs: NOW,
  stubs: [
    { sequence: 0, hash: HASH, prev: null, final: false },
    { sequence: 4, hash: OTHER_HASH, prev: HASH, final: true },
  ],
};
const CERTIFICATE: ErasureCertificate = {
  erasure: ErasureId.fromBytes(HASH.slice(0, 16)),
  tenant: BINDING.tenant,
  patient: PatientId.fromBytes(OTHER_HASH.slice(0, 16)),
  erasedAtUnixMs: NOW,
  reason: "the patient asked for it",
  by: "operator",
  keyCopyCount: 2,
  backupsExpireAtUnixMs: NOW + 35 * 24 * 3600 * 1000,
  part: 1,
  partCount: 1,
  recordings: [{ recording: ERASED_RECORDING, terminal: BINDING.terminal, segmentCount: 2, stubDigest: HASH }],
};
const REWRAP: Rewrap = {
  routing: ROUTING,
  answeredAtUnixMs: NOW,
  envelope: ENVELOPE,
  hpkeKey: keyIdOf(SERVER_HPKE.publicBytes),
};
const GAP: Gap = { ...PLACE, routing: ROUTING, cause: "unreadable", bootId: BOOT, monotonicMs: 5000 };
const STATUS: Status = {
  ...USE,
  routing: ROUTING,
  contact: 12,
  bootId: BOOT,
  monotonicMs: 6000,
  clockUnixMs: -1,
  mailSeen: 3,
  journalItemCount: 40,
  journalBytes: 812_345,
  journalLimitBytes: 2 ** 31,
  quarantineCount: 1,
  policyVersion: 7,
  segmentLengthMs: 10_000,
  heads: [{ ...PLACE, hash: HASH, final: false, open: true }],
};
const COMMAND: Command = {
  routing: ROUTING,
  mailNumber: 4,
  issuedAtUnixMs: NOW,
  expiresAtUnixMs: NOW + 60_000,
  name: "segment-length",
  value: 2000,
};
const KEY_STATEMENT: KeyStatement = {
  version: 3,
  purpose: "hpke",
  publicKey: SERVER_HPKE.publicBytes,
  notBeforeUnixMs: NOW,
  notAfterUnixMs: NOW + 31_536_000_000,
  rootPublicKey: ROOT_SIGN.publicBytes,
};
const KEY_TAKEN: KeyTaken = { ...USE, routing: ROUTING, orderHash: HASH, version: 7 };
const KEY_REFUSED: KeyRefused = { routing: ROUTING, messageHash: HASH, version: 6, code: "ERR_KEY_CHANGE_LIMIT" };

const CHALLENGE: FetchChallenge = {
  routing: ROUTING,
  nonce: OTHER_HASH,
  issuedAtUnixMs: NOW,
  expiresAtUnixMs: NOW + 300_000,
};
const SIGNED_CHALLENGE = signMessage(
  ed25519Private(SERVER_SIGN.seed),
  "pericard/fetch-challenge",
  SERVER.keyId,
  FetchChallenge.encode(CHALLENGE),
);
const FETCH: FetchBack = { routing: ROUTING, contact: 13, cycle: USE.cycle, index: USE.index, asked: null };

function fetchOf(wanted: NonNullable<FetchBack["asked"]>["wanted"]): FetchBack {
  return { ...FETCH, asked: { challenge: SIGNED_CHALLENGE, wanted } };
}

const FETCH_LIST = fetchOf({ kind: "list", after: null });
const { recording, stream, sequence } = PLACE;
const FETCH_MORE = fetchOf({ kind: "list", after: { recording, stream } });
const FETCH_PAGE = fetchOf({ kind: "page", name: { recording, stream }, from: { sequence, offsetBytes: 400_000 } });

function inputsOf(signer: Signer): { readonly publicKeyHex: string; readonly privateKeyHex: string } {
  return { publicKeyHex: toHex(signer.pair.publicBytes), privateKeyHex: toHex(signer.pair.seed) };
}

function accept(name: string, type: SignedType, payload: Uint8Array, statement: unknown): VectorCase {
  const signer = SIGNERS[type];
  const message = signMessage(ed25519Private(signer.pair.seed), type, signer.keyId, payload);
  const parsed = parseSigned(message);
  const decoded: Json = {
    type: parsed.type,
    keyId: toHex(parsed.keyIdBytes),
    payload: toHex(payload),
    statement: toJson(statement),
  };
  return { name, expect: "accept", ...inputsOf(signer), bytesHex: toHex(message), decoded };
}

function accepted(): readonly VectorCase[] {
  const kinds = Receipt.encode(RECEIPT);
  const empty: Status = { ...STATUS, clockUnixMs: null, heads: [] };
  const many: Receipt = { ...RECEIPT, hashes: Array.from({ length: 64 }, () => HASH) };
  const heads: Status = {
    ...STATUS,
    heads: Array.from({ length: 64 }, (_, stream) => ({ ...PLACE, stream, hash: HASH, final: true, open: false })),
  };
  const rejected: Rejected = { ...REJECTED, envelope: null, hashes: [HASH] };
  const manyErased: Erased = { ...ERASED, hashes: many.hashes };
  const manyStubs: Stubs = {
    ...STUBS,
    stubs: Array.from({ length: 256 }, (_, sequence) => ({ sequence, hash: HASH, prev: HASH, final: false })),
  };
  const [erasedRecording] = CERTIFICATE.recordings;
  const manyRecordings: ErasureCertificate = {
    ...CERTIFICATE,
    patient: null,
    part: 2,
    partCount: 3,
    recordings: Array.from({ length: 256 }, () => erasedRecording ?? []).flat(),
  };
  const noRecordings: ErasureCertificate = { ...CERTIFICATE, recordings: [] };
  const end: Command = { ...COMMAND, name: "end-recording", value: 0 };
  const receiptKey: KeyStatement = { ...KEY_STATEMENT, purpose: "receipt", publicKey: SERVER_SIGN.publicBytes };
  return [
    accept("an envelope", "pericard/envelope", ENVELOPE_BYTES, null),
    accept("a status", "pericard/status", Status.encode(STATUS), STATUS),
    accept("a status without clock or streams", "pericard/status", Status.encode(empty), empty),
    accept("a status of 64 streams", "pericard/status", Status.encode(heads), heads),
    accept("a gap", "pericard/gap", Gap.encode(GAP), GAP),
    accept("a receipt of two segments", "pericard/receipt", kinds, RECEIPT),
    accept("a receipt of 64 segments", "pericard/receipt", Receipt.encode(many), many),
    accept("a conflict", "pericard/conflict", Conflict.encode(CONFLICT), CONFLICT),
    accept("an envelope that is rejected", "pericard/rejected", Rejected.encode(REJECTED), REJECTED),
    accept("a segment that is rejected", "pericard/rejected", Rejected.encode(rejected), rejected),
    accept("an envelope to be sealed anew", "pericard/rewrap", Rewrap.encode(REWRAP), REWRAP),
    accept("two segments that were erased", "pericard/erased", Erased.encode(ERASED), ERASED),
    accept("64 segments that were erased", "pericard/erased", Erased.encode(manyErased), manyErased),
    accept("two stubs", "pericard/stubs", Stubs.encode(STUBS), STUBS),
    accept("256 stubs", "pericard/stubs", Stubs.encode(manyStubs), manyStubs),
    accept("an erasure of one recording", "pericard/erasure", ErasureCertificate.encode(CERTIFICATE), CERTIFICATE),
    accept(
      "an erasure of a patient without recordings",
      "pericard/erasure",
      ErasureCertificate.encode(noRecordings),
      noRecordings,
    ),
    accept(
      "the second part of an erasure, of 256 recordings",
      "pericard/erasure",
      ErasureCertificate.encode(manyRecordings),
      manyRecordings,
    ),
    accept("a command to change the segment length", "pericard/command", Command.encode(COMMAND), COMMAND),
    accept("a command to end the recording", "pericard/command", Command.encode(end), end),
    accept("an offer of a key change", "pericard/key-offer", KeyOffer.encode(OFFER), OFFER),
    accept("an answer to an offer", "pericard/key-answer", KeyAnswer.encode(ANSWER), ANSWER),
    accept("an order of a key change", "pericard/key-order", ORDER_PAYLOAD, null),
    accept("an order that was taken", "pericard/key-taken", KeyTaken.encode(KEY_TAKEN), KEY_TAKEN),
    accept("an order that is refused", "pericard/key-refused", KeyRefused.encode(KEY_REFUSED), KEY_REFUSED),
    accept("a request for a challenge", "pericard/fetch-back", FetchBack.encode(FETCH), FETCH),
    accept("a request for the list of streams", "pericard/fetch-back", FetchBack.encode(FETCH_LIST), FETCH_LIST),
    accept("a request for the rest of the list", "pericard/fetch-back", FetchBack.encode(FETCH_MORE), FETCH_MORE),
    accept("a request for a page of a stream", "pericard/fetch-back", FetchBack.encode(FETCH_PAGE), FETCH_PAGE),
    accept("a challenge", "pericard/fetch-challenge", FetchChallenge.encode(CHALLENGE), CHALLENGE),
    accept("a returned page", "pericard/returned", RETURNED_BYTES, null),
    accept("a statement of an hpke key", "pericard/key-statement", KeyStatement.encode(KEY_STATEMENT), KEY_STATEMENT),
    accept("an intake for a factory", "pericard/intake", Intake.encode(INTAKE_STATEMENT), INTAKE_STATEMENT),
    accept("a transfer from a factory", "pericard/transfer", TRANSFER_BYTES, null),
    accept("a statement of a receipt key", "pericard/key-statement", KeyStatement.encode(receiptKey), receiptKey),
  ];
}

const RECEIPT_TYPE = "pericard/receipt";
const RECEIPT_PAYLOAD = Receipt.encode(RECEIPT);

type Entry = readonly [Uint8Array, Uint8Array];
const HEADER_ENTRIES = [
  [int(1), int(-19)],
  [int(4), bytes(SERVER.keyId)],
  [int(16), text(RECEIPT_TYPE)],
] as const;

/** What one signed message is made from. */
interface Parts {
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly signer: Signer;
  /** What is signed as external_aad, context and header. */
  readonly signedType: string;
  readonly context: string;
  readonly signedHeader: Uint8Array;
}

function signature(edit: Partial<Parts>): Uint8Array {
  const header = edit.signedHeader ?? edit.header ?? map(HEADER_ENTRIES);
  const covered = array([
    text(edit.context ?? "Signature1"),
    bytes(header),
    bytes(utf8(edit.signedType ?? RECEIPT_TYPE)),
    bytes(edit.payload ?? RECEIPT_PAYLOAD),
  ]);
  return ed25519Sign(ed25519Private((edit.signer ?? SERVER).pair.seed), covered);
}

function items(edit: Partial<Parts>): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const header = bytes(edit.header ?? map(HEADER_ENTRIES));
  return [header, EMPTY_MAP, bytes(edit.payload ?? RECEIPT_PAYLOAD), bytes(signature(edit))];
}

const tagged = (list: readonly Uint8Array[]): Uint8Array => concatBytes(TAG, array(list));
const assemble = (edit: Partial<Parts>): Uint8Array => tagged(items(edit));
const GOOD = assemble({});

type Refused = readonly [name: string, message: Uint8Array, code: Code];

function outerRefusals(): readonly Refused[] {
  const structure = "ERR_COSE_STRUCTURE";
  const cbor = "ERR_CBOR_MALFORMED";
  const [header, empty, payload, signed] = items({});
  const rawSignature = signature({});
  return [
    ["message is empty", new Uint8Array(0), structure],
    ["message has no tag", GOOD.slice(1), structure],
    ["message has the tag of mac0", concatBytes(Uint8Array.of(0xd1), GOOD.slice(1)), structure],
    ["message has the tag of sign", concatBytes(Uint8Array.of(0xd8, 98), GOOD.slice(1)), structure],
    ["message has a trailing byte", concatBytes(GOOD, Uint8Array.of(0)), cbor],
    ["message has three items", tagged([header, payload, signed]), structure],
    ["message has five items", tagged([header, empty, payload, signed, NULL]), structure],
    [
      "message array has indefinite length",
      concatBytes(TAG, Uint8Array.of(0x9f), header, empty, payload, signed, Uint8Array.of(0xff)),
      cbor,
    ],
    [
      "unprotected header holds the key id",
      tagged([header, map([[int(4), bytes(SERVER.keyId)]]), payload, signed]),
      structure,
    ],
    ["payload is detached", tagged([header, empty, NULL, signed]), structure],
    ["payload is text", tagged([header, empty, text("receipt"), signed]), structure],
    ["payload claims 2^32 bytes", concatBytes(TAG, head(4, 4), header, empty, head(2, 2n ** 32n)), cbor],
    ["message has 3000 empty maps", concatBytes(TAG, head(4, 3000), new Uint8Array(3000).fill(0xa0)), cbor],
    ["message is nested 5000 deep", concatBytes(TAG, new Uint8Array(5000).fill(0x81)), cbor],
    ["signature is text", tagged([header, empty, payload, text("s".repeat(64))]), structure],
    ["signature is 63 bytes", tagged([header, empty, payload, bytes(rawSignature.slice(0, 63))]), "ERR_FIELD_RANGE"],
    [
      "signature is 65 bytes",
      tagged([header, empty, payload, bytes(concatBytes(rawSignature, Uint8Array.of(0)))]),
      "ERR_FIELD_RANGE",
    ],
    ["signature is empty", tagged([header, empty, payload, bytes(new Uint8Array(0))]), "ERR_FIELD_RANGE"],
    ...truncations(GOOD, [
      ["after its tag", 1],
      ["after the array's head", 2],
      ["in the protected header", 20],
      ["after the protected header", 2 + header.length],
      ["after the unprotected header", 3 + header.length],
      ["in the payload", 20 + header.length],
      ["after the payload", 3 + header.length + payload.length],
      ["before its last byte", GOOD.length - 1],
    ]),
  ];
}

function headerRefusals(): readonly Refused[] {
  const [alg, kid, typ] = HEADER_ENTRIES;
  const header = (...entries: readonly Entry[]): Uint8Array => assemble({ header: map(entries) });
  const malformed = "ERR_HEADER_MALFORMED";
  return [
    ["header is empty", assemble({ header: new Uint8Array(0) }), "ERR_CBOR_MALFORMED"],
    ["header names eddsa", header([int(1), int(-8)], kid, typ), "ERR_ALGORITHM_REFUSED"],
    ["header names es256", header([int(1), int(-7)], kid, typ), "ERR_ALGORITHM_REFUSED"],
    ["header has no algorithm", header(kid, typ), "ERR_ALGORITHM_REFUSED"],
    ["header has no key id", header(alg, typ), malformed],
    ["header has no type", header(alg, kid), malformed],
    ["header has a crit", header(alg, [int(2), array([int(16)])], kid, typ), malformed],
    ["header has a content type", header(alg, [int(3), text("application/cbor")], kid, typ), malformed],
    ["header map is in another order", header(typ, alg, kid), "ERR_CBOR_MALFORMED"],
    ["header repeats its type", header(alg, kid, typ, typ), "ERR_CBOR_MALFORMED"],
    ["header writes its algorithm longer than needed", header([int(1), int(-19, 1)], kid, typ), "ERR_CBOR_MALFORMED"],
    ["key id is 7 bytes", header(alg, [int(4), bytes(new Uint8Array(7))], typ), "ERR_FIELD_RANGE"],
    ["key id is 32 bytes", header(alg, [int(4), bytes(new Uint8Array(32))], typ), "ERR_FIELD_RANGE"],
    ["key id is text", header(alg, [int(4), text("receipt!")], typ), "ERR_FIELD_RANGE"],
    ["type is unknown", header(alg, kid, [int(16), text("pericard/erase-all")]), "ERR_TYPE_MISMATCH"],
    ["type is of another case", header(alg, kid, [int(16), text("pericard/Receipt")]), "ERR_TYPE_MISMATCH"],
    ["type is a number", header(alg, kid, [int(16), int(16)]), "ERR_TYPE_MISMATCH"],
  ];
}

function signatureRefusals(): readonly Refused[] {
  const invalid = "ERR_SIGNATURE_INVALID";
  const [alg, kid] = HEADER_ENTRIES;
  const conflict = map([alg, kid, [int(16), text("pericard/conflict")]]);
  const [header, empty, payload] = items({});
  return [
    ["signed by another key", assemble({ signer: TERMINAL }), invalid],
    ["signed as another type", assemble({ signedType: "pericard/conflict" }), invalid],
    ["signed with no external aad", assemble({ signedType: "" }), invalid],
    ["signed as a signature of cose_sign", assemble({ context: "Signature" }), invalid],
    ["signed under an empty header", assemble({ signedHeader: new Uint8Array(0) }), invalid],
    ["a receipt's signature on a conflict", tagged([bytes(conflict), empty, payload, bytes(signature({}))]), invalid],
    [
      "signature is of another payload",
      tagged([header, empty, payload, bytes(signature({ payload: utf8("other") }))]),
      invalid,
    ],
    ["signature is zero", tagged([header, empty, payload, bytes(new Uint8Array(64))]), invalid],
    [
      "signature's s is larger by the group's order",
      tagged([header, empty, payload, bytes(malleated(signature({})))]),
      invalid,
    ],
    ["one bit of the payload is turned over", flipIn(GOOD, HASH), invalid],
    ["one bit of the key id is turned over", flipIn(GOOD, SERVER.keyId), invalid],
    ["first bit of the signature is turned over", flipBit(GOOD, -64), invalid],
    ["last bit of the signature is turned over", flipBit(GOOD, -1, 7), invalid],
  ];
}

/** (R, s + L): the same curve equation, another signature. Source: RFC 8032 §5.1.7. */
function malleated(original: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
  let s = 0n;
  for (let i = 63; i >= 32; i -= 1) s = s * 256n + BigInt(original[i] ?? 0);
  s += order;
  const copy = original.slice();
  for (let i = 32; i < 64; i += 1, s >>= 8n) copy[i] = Number(s & 0xffn);
  return copy;
}

/** Types whose payload is sealed; its vectors are in files of their own. */
const SEALED_TYPES = ["pericard/envelope", "pericard/key-order", "pericard/returned", "pericard/transfer"] as const;
type SealedType = (typeof SEALED_TYPES)[number];

/** The fields of one statement's payload, encoded, for the cases that change one. */
const PAYLOAD_FIELDS: Readonly<Record<Exclude<SignedType, SealedType>, readonly Uint8Array[]>> = {
  "pericard/receipt": [int(1), bytes(TERMINAL_KID), int(NOW), int(2), array([bytes(HASH)])],
  "pericard/conflict": [
    int(1),
    bytes(TERMINAL_KID),
    int(NOW),
    bytes(HASH),
    bytes(new Uint8Array(16)),
    int(0),
    int(1),
    text("shape"),
  ],
  "pericard/rejected": [int(1), bytes(TERMINAL_KID), int(NOW), text("ERR_SEAL_BROKEN"), NULL, array([])],
  "pericard/rewrap": [int(1), bytes(TERMINAL_KID), int(NOW), bytes(new Uint8Array(16)), bytes(new Uint8Array(8))],
  "pericard/erased": [
    int(1),
    bytes(TERMINAL_KID),
    int(NOW),
    bytes(RecordingId.toBytes(ERASED_RECORDING)),
    array([bytes(HASH)]),
  ],
  "pericard/stubs": [
    int(1),
    bytes(TenantId.toBytes(BINDING.tenant)),
    bytes(RecordingId.toBytes(ERASED_RECORDING)),
    int(0),
    int(NOW),
    array([array([int(0), bytes(HASH), NULL, FALSE])]),
  ],
  "pericard/erasure": [
    int(1),
    bytes(HASH.slice(0, 16)),
    bytes(TenantId.toBytes(BINDING.tenant)),
    NULL,
    int(NOW),
    text("retention"),
    text("server"),
    int(2),
    int(NOW),
    int(1),
    int(1),
    array([
      array([
        bytes(RecordingId.toBytes(ERASED_RECORDING)),
        bytes(TerminalId.toBytes(BINDING.terminal)),
        int(2),
        bytes(HASH),
      ]),
    ]),
  ],
  "pericard/command": [int(1), bytes(TERMINAL_KID), int(4), int(NOW), int(NOW), text("segment-length"), int(2000)],
  "pericard/gap": [
    int(1),
    bytes(TERMINAL_KID),
    bytes(new Uint8Array(16)),
    int(0),
    int(1),
    text("quarantined"),
    bytes(new Uint8Array(8)),
    int(0),
  ],
  "pericard/status": [
    int(1),
    bytes(TERMINAL_KID),
    int(12),
    bytes(new Uint8Array(8)),
    int(0),
    NULL,
    int(0),
    int(0),
    int(0),
    int(0),
    int(0),
    int(7),
    int(10_000),
    int(1),
    int(117),
    int(9),
    array([]),
  ],
  "pericard/key-offer": [int(1), bytes(TERMINAL_KID), int(7), bytes(SERVER_HPKE.publicBytes), bytes(HASH)],
  "pericard/key-answer": [int(1), bytes(TERMINAL_KID), bytes(HASH), bytes(SERVER_HPKE.publicBytes)],
  "pericard/key-taken": [int(1), bytes(TERMINAL_KID), bytes(HASH), int(7), int(1), int(117), int(9)],
  "pericard/key-refused": [int(1), bytes(TERMINAL_KID), bytes(HASH), int(6), text("ERR_KEY_CHANGE_OLD")],
  "pericard/fetch-back": [
    int(1),
    bytes(TERMINAL_KID),
    int(13),
    int(1),
    int(117),
    bytes(SIGNED_CHALLENGE),
    array([int(2), bytes(RecordingId.toBytes(recording)), int(stream), int(sequence), int(0)]),
  ],
  "pericard/fetch-challenge": [int(1), bytes(TERMINAL_KID), bytes(OTHER_HASH), int(NOW), int(NOW + 300_000)],
  "pericard/key-statement": [
    int(1),
    int(3),
    text("hpke"),
    bytes(SERVER_HPKE.publicBytes),
    int(NOW),
    int(NOW),
    bytes(ROOT_SIGN.publicBytes),
  ],
  "pericard/intake": [
    int(1),
    bytes(IntakeId.toBytes(INTAKE)),
    bytes(TenantId.toBytes(BINDING.tenant)),
    int(1),
    bytes(INTAKE_AGREE.publicBytes),
    int(NOW),
  ],
};
type StatementType = keyof typeof PAYLOAD_FIELDS;

function isSealed(type: SignedType): type is SealedType {
  return SEALED_TYPES.some((sealed) => sealed === type);
}

function signedPayload(type: StatementType, payload: Uint8Array): Uint8Array {
  const signer = SIGNERS[type];
  return signMessage(ed25519Private(signer.pair.seed), type, signer.keyId, payload);
}

function withField(type: StatementType, index: number, item: Uint8Array): Uint8Array {
  return signedPayload(type, array(PAYLOAD_FIELDS[type].map((field, i) => (i === index ? item : field))));
}

type StatementRefusal = readonly [type: StatementType, name: string, message: Uint8Array, code: Code];

/** Refusals that every statement has, whatever its fields. */
function commonRefusals(type: StatementType): readonly StatementRefusal[] {
  const fields = PAYLOAD_FIELDS[type];
  const signed = (payload: Uint8Array): Uint8Array => signedPayload(type, payload);
  const name = type.slice("pericard/".length);
  return [
    [type, `${name} has an empty payload`, signed(new Uint8Array(0)), "ERR_CBOR_MALFORMED"],
    [type, `${name} has one field less`, signed(array(fields.slice(0, -1))), "ERR_FIELD_RANGE"],
    [type, `${name} has one field more`, signed(array([...fields, NULL])), "ERR_FIELD_RANGE"],
    [type, `${name} has a trailing byte`, signed(concatBytes(array(fields), Uint8Array.of(0))), "ERR_CBOR_MALFORMED"],
    [type, `${name} is of suite paper-2018`, withField(type, 0, int(0)), "ERR_SUITE_UNKNOWN"],
    [type, `${name} has a float as suite`, withField(type, 0, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    [type, `${name} is a map`, signed(map([[int(0), array(fields)]])), "ERR_FIELD_RANGE"],
  ];
}

const list = (count: number, item: Uint8Array): Uint8Array => array(Array.from({ length: count }, () => item));

function fieldRefusals(): readonly StatementRefusal[] {
  const range = "ERR_FIELD_RANGE";
  const hash = bytes(HASH);
  const head64 = array([bytes(new Uint8Array(16)), int(0), int(1), hash, FALSE, FALSE]);
  const r = "pericard/receipt";
  const c = "pericard/conflict";
  const j = "pericard/rejected";
  const m = "pericard/command";
  const g = "pericard/gap";
  const s = "pericard/status";
  const k = "pericard/key-statement";
  const o = "pericard/key-offer";
  const a = "pericard/key-answer";
  const t = "pericard/key-taken";
  const f = "pericard/key-refused";
  const i = "pericard/intake";
  const z = "pericard/rewrap";
  const e = "pericard/erased";
  const b = "pericard/stubs";
  const x = "pericard/erasure";
  const stub = array([int(3), hash, NULL, FALSE]);
  const erased = array([bytes(new Uint8Array(16)), bytes(new Uint8Array(6)), int(2), hash]);
  const w = "pericard/fetch-back";
  const n = "pericard/fetch-challenge";
  const id = bytes(RecordingId.toBytes(recording));
  return [
    [w, "fetch-back is for a routing id of 6 bytes", withField(w, 1, bytes(new Uint8Array(6))), range],
    [w, "fetch-back has a negative contact", withField(w, 2, int(-1)), range],
    [w, "fetch-back has a cycle of 2^32", withField(w, 3, int(2 ** 32)), range],
    [w, "fetch-back has an index of 120", withField(w, 4, int(120)), range],
    [w, "fetch-back wants a page without a challenge", withField(w, 5, NULL), range],
    [w, "fetch-back has a challenge of 1025 bytes", withField(w, 5, bytes(new Uint8Array(1025))), range],
    [w, "fetch-back has a challenge as text", withField(w, 5, text("challenge")), range],
    [w, "fetch-back has a challenge and wants nothing", withField(w, 6, NULL), range],
    [w, "fetch-back wants something else", withField(w, 6, array([int(3), NULL])), range],
    [w, "fetch-back wants a number", withField(w, 6, int(1)), range],
    [
      w,
      "fetch-back wants a page with one field more",
      withField(w, 6, array([int(2), id, int(0), int(0), int(0), NULL])),
      range,
    ],
    [w, "fetch-back wants a page without an offset", withField(w, 6, array([int(2), id, int(0), int(0)])), range],
    [w, "fetch-back wants stream 256", withField(w, 6, array([int(2), id, int(256), int(0), int(0)])), range],
    [w, "fetch-back wants sequence 2^32", withField(w, 6, array([int(2), id, int(0), int(2 ** 32), int(0)])), range],
    [
      w,
      "fetch-back wants an offset over 16 MiB",
      withField(w, 6, array([int(2), id, int(0), int(0), int(2 ** 24 + 1)])),
      range,
    ],
    [
      w,
      "fetch-back wants a recording of 15 bytes",
      withField(w, 6, array([int(2), bytes(new Uint8Array(15)), int(0), int(0), int(0)])),
      range,
    ],
    [w, "fetch-back wants the list after a recording alone", withField(w, 6, array([int(1), id])), range],
    [n, "challenge has a nonce of 31 bytes", withField(n, 2, bytes(HASH.slice(1))), range],
    [n, "challenge was issued before 1970", withField(n, 3, int(-1)), range],
    [n, "challenge expires never", withField(n, 4, NULL), range],
    [r, "receipt is for a routing id of 6 bytes", withField(r, 1, bytes(new Uint8Array(6))), range],
    [r, "receipt is of no copies", withField(r, 3, int(0)), range],
    [r, "receipt is of 256 copies", withField(r, 3, int(256)), range],
    [r, "receipt lists nothing", withField(r, 4, array([])), range],
    [r, "receipt lists 65 segments", withField(r, 4, list(65, hash)), range],
    [r, "receipt lists an h of 31 bytes", withField(r, 4, array([bytes(HASH.slice(1))])), range],
    [r, "receipt lists an h as text", withField(r, 4, array([text(toHex(HASH))])), range],
    [c, "conflict has an h of 33 bytes", withField(c, 3, bytes(new Uint8Array(33))), range],
    [c, "conflict has a stream of 256", withField(c, 5, int(256)), range],
    [c, "conflict has another cause", withField(c, 7, text("mood")), range],
    [j, "rejected has a code of 65 characters", withField(j, 3, text("E".repeat(65))), range],
    [j, "rejected has a code with a control character", withField(j, 3, text("ERR\u0000")), range],
    [j, "rejected has an envelope id of 15 bytes", withField(j, 4, bytes(new Uint8Array(15))), range],
    [j, "rejected lists 65 segments", withField(j, 5, list(65, hash)), range],
    [m, "command has another name", withField(m, 5, text("erase-all")), range],
    [m, "command sets segments of 0 ms", withField(m, 6, int(0)), range],
    [m, "command sets segments of 999 ms", withField(m, 6, int(999)), range],
    [m, "command sets segments of 60001 ms", withField(m, 6, int(60_001)), range],
    [m, "command has a negative mail number", withField(m, 2, int(-1)), range],
    [g, "gap has a sequence of 2^32", withField(g, 4, int(2 ** 32)), range],
    [g, "gap has another cause", withField(g, 5, text("erased")), range],
    [g, "gap has a boot id of 7 bytes", withField(g, 6, bytes(new Uint8Array(7))), range],
    [s, "status has a contact of 2^53", withField(s, 2, int(2n ** 53n)), range],
    [s, "status has a clock after what a date can be", withField(s, 5, int(8.64e15 + 1)), range],
    [s, "status has segments of 0 ms", withField(s, 12, int(0)), range],
    [s, "status has an index of 120", withField(s, 14, int(120)), range],
    [s, "status names 65 streams", withField(s, 16, list(65, head64)), range],
    [
      s,
      "status names a stream whose final is 0",
      withField(s, 16, array([array([bytes(new Uint8Array(16)), int(0), int(1), hash, int(0), FALSE])])),
      range,
    ],
    [o, "key offer has version 0", withField(o, 2, int(0)), range],
    [o, "key offer has a version of 2^32", withField(o, 2, int(2 ** 32)), range],
    [o, "key offer has a key of 31 bytes", withField(o, 3, bytes(new Uint8Array(31))), range],
    [o, "key offer has a nonce of 16 bytes", withField(o, 4, bytes(new Uint8Array(16))), range],
    [a, "key answer has an offer of 31 bytes", withField(a, 2, bytes(HASH.slice(1))), range],
    [a, "key answer has a key of 33 bytes", withField(a, 3, bytes(new Uint8Array(33))), range],
    [t, "key taken has an order as text", withField(t, 2, text(toHex(HASH))), range],
    [t, "key taken has version 0", withField(t, 3, int(0)), range],
    [t, "key taken has an index of 120", withField(t, 5, int(120)), range],
    [t, "key taken has a use of 2^32", withField(t, 6, int(2 ** 32)), range],
    [f, "key refused has a message of 33 bytes", withField(f, 2, bytes(new Uint8Array(33))), range],
    [f, "key refused has a version of 2^32", withField(f, 3, int(2 ** 32)), range],
    [f, "key refused has a code of 65 characters", withField(f, 4, text("E".repeat(65))), range],
    [i, "intake has an id of 15 bytes", withField(i, 1, bytes(new Uint8Array(15))), range],
    [i, "intake has a tenant of 17 bytes", withField(i, 2, bytes(new Uint8Array(17))), range],
    [i, "intake has factory number 0", withField(i, 3, int(0)), range],
    [i, "intake has factory number 65536", withField(i, 3, int(65_536)), range],
    [i, "intake has a key of 31 bytes", withField(i, 4, bytes(new Uint8Array(31))), range],
    [i, "intake was made before 1970", withField(i, 5, int(-1)), range],
    [z, "rewrap is for a routing id of 9 bytes", withField(z, 1, bytes(new Uint8Array(9))), range],
    [z, "rewrap was answered before 1970", withField(z, 2, int(-1)), range],
    [z, "rewrap names an envelope of 15 bytes", withField(z, 3, bytes(new Uint8Array(15))), range],
    [z, "rewrap names no envelope", withField(z, 3, NULL), range],
    [z, "rewrap names a key of 16 bytes", withField(z, 4, bytes(new Uint8Array(16))), range],
    [z, "rewrap names a key as text", withField(z, 4, text("0011223344556677")), range],
    [e, "erased is for a routing id of 6 bytes", withField(e, 1, bytes(new Uint8Array(6))), range],
    [e, "erased was erased before 1970", withField(e, 2, int(-1)), range],
    [e, "erased is of a recording of 15 bytes", withField(e, 3, bytes(new Uint8Array(15))), range],
    [e, "erased lists nothing", withField(e, 4, array([])), range],
    [e, "erased lists 65 segments", withField(e, 4, list(65, hash)), range],
    [e, "erased lists an h of 31 bytes", withField(e, 4, array([bytes(HASH.slice(1))])), range],
    [e, "erased lists all of a recording", withField(e, 4, NULL), range],
    [b, "stubs are of a tenant of 15 bytes", withField(b, 1, bytes(new Uint8Array(15))), range],
    [b, "stubs are of a recording of 17 bytes", withField(b, 2, bytes(new Uint8Array(17))), range],
    [b, "stubs are of stream 256", withField(b, 3, int(256)), range],
    [b, "stubs are none", withField(b, 5, array([])), range],
    [b, "stubs are 257", withField(b, 5, list(257, stub)), range],
    [b, "stubs repeat a sequence", withField(b, 5, array([stub, stub])), range],
    [
      b,
      "stubs have an h of 31 bytes",
      withField(b, 5, array([array([int(0), bytes(HASH.slice(1)), NULL, FALSE])])),
      range,
    ],
    [
      b,
      "stubs have a prev of 33 bytes",
      withField(b, 5, array([array([int(0), hash, bytes(new Uint8Array(33)), FALSE])])),
      range,
    ],
    [b, "stubs have a sequence of 2^32", withField(b, 5, array([array([int(2 ** 32), hash, NULL, FALSE])])), range],
    [b, "stubs have a final of 0", withField(b, 5, array([array([int(0), hash, NULL, int(0)])])), range],
    [x, "erasure has an id of 15 bytes", withField(x, 1, bytes(new Uint8Array(15))), range],
    [x, "erasure is of a patient of 15 bytes", withField(x, 3, bytes(new Uint8Array(15))), range],
    [x, "erasure has a reason of 501 characters", withField(x, 5, text("r".repeat(501))), range],
    [x, "erasure has a reason of two lines", withField(x, 5, text("a\nb")), range],
    [x, "erasure was asked for by 101 characters", withField(x, 6, text("o".repeat(101))), range],
    [x, "erasure is of no copies of the key store", withField(x, 7, int(0)), range],
    [x, "erasure is part 0", withField(x, 9, int(0)), range],
    [x, "erasure is part 2 of 1", withField(x, 9, int(2)), range],
    [x, "erasure has no parts", withField(x, 10, int(0)), range],
    [x, "erasure is of 257 recordings", withField(x, 11, list(257, erased)), range],
    [
      x,
      "erasure has a digest of 31 bytes",
      withField(
        x,
        11,
        array([array([bytes(new Uint8Array(16)), bytes(new Uint8Array(6)), int(2), bytes(HASH.slice(1))])]),
      ),
      range,
    ],
    [k, "key statement has another purpose", withField(k, 2, text("root")), range],
    [k, "key statement has a key of 31 bytes", withField(k, 3, bytes(new Uint8Array(31))), range],
    [k, "key statement has a version of 2^32", withField(k, 1, int(2 ** 32)), range],
    [k, "key statement has a root key of 16 bytes", withField(k, 6, bytes(new Uint8Array(16))), range],
  ];
}

/** Every vector of a signed message. */
export function signedVectors(): VectorFile {
  const statements = SIGNED_TYPES.filter((type): type is StatementType => !isSealed(type));
  const refusedStatements = [...statements.flatMap(commonRefusals), ...fieldRefusals()];
  const refused = [...outerRefusals(), ...headerRefusals(), ...signatureRefusals()];
  return {
    structure: "signed message",
    source: "docs/format.md §3.3 and §7",
    steps:
      "parse, verify under publicKey, decode the payload by its type (those of an envelope, of a key order, of a returned page and of a transfer are not decoded here)",
    cases: [
      ...accepted(),
      accept("a receipt written by a second encoder", RECEIPT_TYPE, array(PAYLOAD_FIELDS[RECEIPT_TYPE]), {
        ...RECEIPT,
        hashes: [HASH],
      }),
      ...refused.map(([name, message, expect]) => ({ name, expect, ...inputsOf(SERVER), bytesHex: toHex(message) })),
      ...refusedStatements.map(([type, name, message, expect]) => ({
        name,
        expect,
        ...inputsOf(SIGNERS[type]),
        bytesHex: toHex(message),
      })),
    ],
  };
}
