/** Vectors of what goes between a server and a factory on another machine. Source: docs/format.md §7.9, §12.5, §12.6. */
import {
  aeadSeal,
  deploymentProof,
  ed25519Private,
  fingerprintOf,
  hkdfExpand,
  hpkeSeal,
  keyIdOf,
  openTransfer,
  sealTransfer,
  signMessage,
  x25519Private,
  x25519Public,
} from "@pericard/crypto";
import {
  concatBytes,
  encodeIntakeFile,
  Intake,
  IntakeId,
  KeyId,
  KeyStatement,
  parseTransfer,
  RoutingId,
  TenantId,
  TerminalId,
  toHex,
  utf8,
  type KeyPurpose,
  type SignedType,
  type TransferredTerminal,
} from "@pericard/protocol";
import { toJson, type Json, type VectorCase, type VectorFile } from "./case.ts";
import { array, bytes, FLOAT_ONE, int, map, NULL, text } from "./cbor-writer.ts";
import { flipBit, flipIn, refusals, type Code, type Refusal } from "./edit.ts";
import { EMPTY_MAP, pericardHeader, truncations } from "./encrypt0.ts";
import {
  BINDING,
  BLOCK,
  FACTORY_SIGN,
  HASH,
  INTAKE,
  INTAKE_AGREE,
  OTHER_BLOCK,
  OTHER_KEY,
  ROOT_SIGN,
  ROOT_SIGN_ID,
  ROUTING,
  seededRandom,
  SERVER_HPKE,
  SERVER_SIGN,
  SERVER_SIGN_ID,
  TERMINAL_AGREE,
  TERMINAL_SIGN,
  type RawPair,
} from "./fixtures.ts";

const NOW = 1_760_000_020_000;
const LATER = NOW + 31_536_000_000;
const TAG = Uint8Array.of(0xd8, 0x60);
const TYPE = "pericard/transfer";
const CONTENT_KEY = seededRandom("transfer content key")(32);
const EPHEMERAL = seededRandom("transfer ephemeral")(32);
const KID = bytes(KeyId.toBytes(keyIdOf(INTAKE_AGREE.publicBytes)));
const ALG = int(1);
const INPUTS = {
  intakePrivateKeyHex: toHex(INTAKE_AGREE.seed),
  intakePublicKeyHex: toHex(INTAKE_AGREE.publicBytes),
};

export const INTAKE_STATEMENT: Intake = {
  intake: INTAKE,
  tenant: BINDING.tenant,
  factoryNumber: 1,
  publicKey: INTAKE_AGREE.publicBytes,
  madeAtUnixMs: NOW,
};

function deployed(blockIndex: number, block: Uint8Array, routing: RoutingId): TransferredTerminal {
  const serial = TerminalId.parse((2 ** 32 + blockIndex + 1).toString(16).padStart(12, "0"));
  const signPublicKey = TERMINAL_SIGN.publicBytes;
  const agreePublicKey = TERMINAL_AGREE.publicBytes;
  const challenge = HASH;
  const keys = { challenge, signPublicKey, agreePublicKey };
  const answer = deploymentProof(block, { ...BINDING, terminal: serial }, keys);
  return { serial, routing, blockIndex, block, ...keys, answer };
}

const TERMINAL = deployed(0, BLOCK, ROUTING);
const OTHER_TERMINAL = deployed(1, OTHER_BLOCK, RoutingId.parse("00112233445566ff"));
const ABOUT = { intake: INTAKE, transferNumber: 7, factoryKey: FACTORY_SIGN.publicBytes };

function sealed(seed: string, terminals: readonly TransferredTerminal[]): Uint8Array {
  const content = { tenant: BINDING.tenant, terminals };
  return sealTransfer(INTAKE_AGREE.publicBytes, ABOUT, content, seededRandom(seed));
}

/** The transfer of one terminal that the signed vectors sign. */
export const TRANSFER_BYTES = sealed("transfer", [TERMINAL]);

function terminalFields(terminal: TransferredTerminal): readonly Uint8Array[] {
  return [
    bytes(TerminalId.toBytes(terminal.serial)),
    bytes(RoutingId.toBytes(terminal.routing)),
    int(terminal.blockIndex),
    bytes(terminal.block),
    bytes(terminal.signPublicKey),
    bytes(terminal.agreePublicKey),
    bytes(terminal.challenge),
    bytes(terminal.answer),
  ];
}

const TENANT = bytes(TenantId.toBytes(BINDING.tenant));
const FIELDS = terminalFields(TERMINAL);
const CONTENT = array([TENANT, array([array(FIELDS)])]);

function commitmentOf(key: Uint8Array): Uint8Array {
  return hkdfExpand(key, array([text("commit"), bytes(IntakeId.toBytes(INTAKE))]), 32);
}

const HEADER_FIELDS = [
  int(1),
  bytes(IntakeId.toBytes(INTAKE)),
  int(7),
  bytes(FACTORY_SIGN.publicBytes),
  bytes(commitmentOf(CONTENT_KEY)),
];
type Entry = readonly [Uint8Array, Uint8Array];
const RECIPIENT: readonly [Entry, Entry] = [
  [ALG, int(50)],
  [int(4), KID],
];

/** Everything that one transfer is made from; each refused case has one part another. */
interface Parts {
  readonly content: Uint8Array;
  readonly protectedBytes: Uint8Array;
  readonly recipientProtected: Uint8Array;
  readonly extraInfo: Uint8Array;
  readonly psk: { readonly key: Uint8Array; readonly id: Uint8Array };
  readonly recipientPublic: Uint8Array;
  readonly contentKey: Uint8Array;
  readonly type: string;
}

function itemsOf(edit: Partial<Parts>): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const protectedBytes = edit.protectedBytes ?? pericardHeader(HEADER_FIELDS);
  const recipientProtected = edit.recipientProtected ?? map(RECIPIENT);
  const extraInfo = bytes(edit.extraInfo ?? protectedBytes);
  const info = array([text("HPKE Recipient"), int(3), bytes(recipientProtected), extraInfo]);
  const aad = new Uint8Array(0);
  const wrapped = hpkeSeal(
    x25519Public(edit.recipientPublic ?? INTAKE_AGREE.publicBytes),
    x25519Private(EPHEMERAL),
    edit.psk === undefined ? { info, aad } : { info, aad, psk: edit.psk },
    CONTENT_KEY,
  );
  const encAad = array([text("Encrypt"), bytes(protectedBytes), bytes(utf8(edit.type ?? TYPE))]);
  const ciphertext = aeadSeal("aes-256-gcm", edit.contentKey ?? CONTENT_KEY, encAad, edit.content ?? CONTENT);
  const ek = map([[int(-4), bytes(wrapped.encapsulatedKey)]]);
  const recipient = array([bytes(recipientProtected), ek, bytes(wrapped.ciphertext)]);
  return [bytes(protectedBytes), EMPTY_MAP, bytes(ciphertext), array([recipient])];
}

const tagged = (items: readonly Uint8Array[]): Uint8Array => concatBytes(TAG, array(items));
const assemble = (edit: Partial<Parts>): Uint8Array => tagged(itemsOf(edit));
const GOOD = assemble({});
const PARSED = parseTransfer(GOOD);

function outerRefusals(): readonly Refusal[] {
  const structure = "ERR_COSE_STRUCTURE";
  const [header, empty, ciphertext, recipients] = itemsOf({});
  return [
    ["message is empty", new Uint8Array(0), structure],
    ["message has no tag", GOOD.slice(2), structure],
    ["message has three items", tagged([header, empty, ciphertext]), structure],
    ["message has a trailing byte", concatBytes(GOOD, Uint8Array.of(0)), "ERR_CBOR_MALFORMED"],
    ["unprotected header is present", tagged([header, map([[int(5), NULL]]), ciphertext, recipients]), structure],
    ["ciphertext is detached", tagged([header, empty, NULL, recipients]), structure],
    ["there are no recipients", tagged([header, empty, ciphertext, array([])]), structure],
    ...truncations(GOOD, [
      ["in the protected header", 30],
      ["in the ciphertext", 500],
      ["in the recipient", GOOD.length - 60],
      ["before its last byte", GOOD.length - 1],
    ]),
  ];
}

function headerRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  const withField = (index: number, value: Uint8Array): Uint8Array =>
    assemble({ protectedBytes: pericardHeader(HEADER_FIELDS.map((field, i) => (i === index ? value : field))) });
  const recipient = (entries: readonly Entry[]): Uint8Array => assemble({ recipientProtected: map(entries) });
  const [alg, kid] = RECIPIENT;
  return [
    ["suite is paper-2018", withField(0, int(0)), "ERR_SUITE_UNKNOWN"],
    ["suite is a float", withField(0, FLOAT_ONE), "ERR_CBOR_MALFORMED"],
    ["intake id is 15 bytes", withField(1, bytes(new Uint8Array(15))), range],
    ["transfer number is 0", withField(2, int(0)), range],
    ["transfer number is 2^32", withField(2, int(2 ** 32)), range],
    ["factory key is 31 bytes", withField(3, bytes(new Uint8Array(31))), range],
    ["commitment is 33 bytes", withField(4, bytes(new Uint8Array(33))), range],
    ["header has a field more", assemble({ protectedBytes: pericardHeader([...HEADER_FIELDS, NULL]) }), range],
    ["header has a field less", assemble({ protectedBytes: pericardHeader(HEADER_FIELDS.slice(0, 4)) }), range],
    ["recipient header names hpke-3-ke", recipient([[ALG, int(49)], kid]), "ERR_ALGORITHM_REFUSED"],
    ["recipient header has no key id", recipient([alg]), "ERR_HEADER_MALFORMED"],
    ["recipient header has a psk id", recipient([alg, kid, [int(-5), bytes(HASH)]]), "ERR_HEADER_MALFORMED"],
    ["key id is 7 bytes", recipient([alg, [int(4), bytes(new Uint8Array(7))]]), range],
  ];
}

function sealRefusals(): readonly Refusal[] {
  const broken = "ERR_SEAL_BROKEN";
  const otherHeader = pericardHeader(HEADER_FIELDS.with(2, int(8)));
  const otherCommitment = pericardHeader(HEADER_FIELDS.with(4, bytes(commitmentOf(OTHER_KEY))));
  return [
    ["sealed to another key", assemble({ recipientPublic: SERVER_HPKE.publicBytes }), broken],
    ["sealed in psk mode", assemble({ psk: { key: OTHER_KEY, id: HASH } }), broken],
    ["hpke's info has another protected header", assemble({ extraInfo: otherHeader }), broken],
    ["content is sealed as an envelope", assemble({ type: "pericard/envelope" }), broken],
    ["content is sealed under another key than the wrapped one", assemble({ contentKey: OTHER_KEY }), broken],
    ["commitment is another key's", assemble({ protectedBytes: otherCommitment }), "ERR_KEY_COMMITMENT"],
    ["first bit of the encapsulated key is turned over", flipIn(GOOD, PARSED.encapsulatedKey), broken],
    ["a bit of the wrapped key is turned over", flipIn(GOOD, PARSED.wrappedKey), broken],
    ["a bit of the ciphertext is turned over", flipIn(GOOD, PARSED.ciphertext), broken],
    ["a bit of the intake id is turned over", flipIn(GOOD, IntakeId.toBytes(INTAKE)), broken],
    ["a bit of the factory key is turned over", flipIn(GOOD, FACTORY_SIGN.publicBytes), broken],
    ["a bit of the tag is turned over", flipIn(GOOD, PARSED.ciphertext.slice(-16)), broken],
  ];
}

const content = (plain: Uint8Array): Uint8Array => assemble({ content: plain });

function contentRefusals(): readonly Refusal[] {
  const range = "ERR_FIELD_RANGE";
  const cbor = "ERR_CBOR_MALFORMED";
  const list = (terminals: readonly Uint8Array[]): Uint8Array => content(array([TENANT, array(terminals)]));
  const withField = (index: number, value: Uint8Array): Uint8Array => list([array(FIELDS.with(index, value))]);
  return [
    ["content is empty", content(new Uint8Array(0)), cbor],
    ["content has a trailing byte", content(concatBytes(CONTENT, Uint8Array.of(0))), cbor],
    ["content is a map", content(map([[int(0), array([array(FIELDS)])]])), range],
    ["content has three items", content(array([TENANT, array([array(FIELDS)]), NULL])), range],
    ["tenant is 15 bytes", content(array([bytes(new Uint8Array(15)), array([array(FIELDS)])])), range],
    ["there are no terminals", list([]), range],
    ["there are 1001 terminals that are null", list(Array.from({ length: 1001 }, () => NULL)), range],
    ["there are 9003 items", list(Array.from({ length: 9003 }, () => NULL)), cbor],
    ["terminal has seven fields", list([array(FIELDS.slice(0, 7))]), range],
    ["terminal has nine fields", list([array([...FIELDS, NULL])]), range],
    ["serial number is 8 bytes", withField(0, bytes(new Uint8Array(8))), range],
    ["routing id is 6 bytes", withField(1, bytes(new Uint8Array(6))), range],
    ["block index is -1", withField(2, int(-1)), range],
    ["block index is 2^32", withField(2, int(2 ** 32)), range],
    ["block index is written longer than needed", withField(2, int(0, 2)), cbor],
    ["key block is 959 bytes", withField(3, bytes(BLOCK.slice(1))), range],
    ["key block is 961 bytes", withField(3, bytes(concatBytes(BLOCK, Uint8Array.of(0)))), range],
    ["key block is text", withField(3, text("k".repeat(960))), range],
    ["signing key is 31 bytes", withField(4, bytes(HASH.slice(1))), range],
    ["agreement key is null", withField(5, NULL), range],
    ["challenge is 16 bytes", withField(6, bytes(HASH.slice(16))), range],
    ["answer is 33 bytes", withField(7, bytes(new Uint8Array(33))), range],
  ];
}

function acceptTransfer(name: string, message: Uint8Array): VectorCase {
  const parsed = parseTransfer(message);
  const pair = { privateKey: x25519Private(INTAKE_AGREE.seed), publicBytes: INTAKE_AGREE.publicBytes };
  const decoded = toJson({ header: parsed.header, intakeKey: parsed.intakeKey, content: openTransfer(pair, parsed) });
  return { name, expect: "accept", ...INPUTS, bytesHex: toHex(message), decoded };
}

/** Every vector of the COSE_Encrypt inside a transfer. */
export function transferVectors(): VectorFile {
  const refused = [...outerRefusals(), ...headerRefusals(), ...sealRefusals(), ...contentRefusals()];
  return {
    structure: "COSE_Encrypt of a transfer",
    source: "docs/format.md §12.6",
    steps:
      "parse, open under the intake's private key, decode the content; whether terminals prove their blocks is not asked",
    cases: [
      acceptTransfer("one terminal", TRANSFER_BYTES),
      acceptTransfer("two terminals", sealed("two terminals", [TERMINAL, OTHER_TERMINAL])),
      acceptTransfer("one terminal, written by a second encoder", GOOD),
      ...refusals(INPUTS, refused),
    ],
  };
}

const ROOT_KID = KeyId.toBytes(ROOT_SIGN_ID);
const SERVER_KID = KeyId.toBytes(SERVER_SIGN_ID);
const PIN = fingerprintOf(ROOT_SIGN.publicBytes);

function signed(pair: RawPair, keyId: Uint8Array, type: SignedType, payload: Uint8Array): Uint8Array {
  return signMessage(ed25519Private(pair.seed), type, keyId, payload);
}

function statement(purpose: KeyPurpose, publicKey: Uint8Array, version = 1, signer = ROOT_SIGN): Uint8Array {
  const rootPublicKey = signer.publicBytes;
  const times = { notBeforeUnixMs: NOW, notAfterUnixMs: LATER };
  const payload = KeyStatement.encode({ version, purpose, publicKey, rootPublicKey, ...times });
  return signed(signer, KeyId.toBytes(keyIdOf(rootPublicKey)), "pericard/key-statement", payload);
}

const HPKE = statement("hpke", SERVER_HPKE.publicBytes);
const RECEIPT = statement("receipt", SERVER_SIGN.publicBytes);
const PAYLOAD = Intake.encode(INTAKE_STATEMENT);
const SIGNED = signed(SERVER_SIGN, SERVER_KID, "pericard/intake", PAYLOAD);

function fileOf(statements: readonly Uint8Array[], message: Uint8Array, name = "pericard/intake-file"): Uint8Array {
  return array([text(name), array(statements.map((one) => bytes(one))), bytes(message)]);
}

function fileCase(
  name: string,
  expect: Code | "ERR_INTAKE_UNTRUSTED" | "accept",
  file: Uint8Array,
  { pin = PIN, nowUnixMs = NOW }: { readonly pin?: Uint8Array; readonly nowUnixMs?: number } = {},
  decoded?: Json,
): VectorCase {
  const base = { name, expect, pinHex: toHex(pin), nowUnixMs, bytesHex: toHex(file) };
  return decoded === undefined ? base : { ...base, decoded };
}

/** Every vector of an intake file. */
export function intakeFileVectors(): VectorFile {
  const untrusted = "ERR_INTAKE_UNTRUSTED";
  const cbor = "ERR_CBOR_MALFORMED";
  const range = "ERR_FIELD_RANGE";
  const good = encodeIntakeFile({ statements: [HPKE, RECEIPT], signedIntake: SIGNED });
  const newer = statement("receipt", FACTORY_SIGN.publicBytes, 2);
  const factoryKid = KeyId.toBytes(keyIdOf(FACTORY_SIGN.publicBytes));
  const byNewer = signed(FACTORY_SIGN, factoryKid, "pericard/intake", PAYLOAD);
  const wrongRoot = statement("receipt", SERVER_SIGN.publicBytes, 1, FACTORY_SIGN);
  const { intake, tenant, factoryNumber, publicKey } = INTAKE_STATEMENT;
  const decoded = toJson({ id: intake, tenant, factoryNumber, intakeKey: publicKey });
  const both = [HPKE, RECEIPT];
  return {
    structure: "intake file",
    source: "docs/format.md §12.5",
    steps: "verify the key statements under the root that has the pin, then the intake under the newest receipt key",
    cases: [
      fileCase("an intake", "accept", good, {}, decoded),
      fileCase("an intake, written by a second encoder", "accept", fileOf([RECEIPT, HPKE], SIGNED), {}, decoded),
      fileCase("signed by the newer of two receipt keys", "accept", fileOf([...both, newer], byNewer), {}, decoded),
      fileCase("on the last millisecond of its keys", "accept", good, { nowUnixMs: LATER }, decoded),
      fileCase("of another installation than the pin", untrusted, good, { pin: HASH.slice(0, 16) }),
      fileCase("the pin is empty", untrusted, good, { pin: new Uint8Array(0) }),
      fileCase("its keys have expired", untrusted, good, { nowUnixMs: LATER + 1 }),
      fileCase("a statement of another root beside the right ones", untrusted, fileOf([...both, wrongRoot], SIGNED)),
      fileCase("a receipt key of another root", untrusted, fileOf([HPKE, wrongRoot], SIGNED)),
      fileCase("no receipt key", untrusted, fileOf([HPKE], SIGNED)),
      fileCase("no hpke key", untrusted, fileOf([RECEIPT], SIGNED)),
      fileCase("a receipt instead of a statement", untrusted, fileOf([HPKE, RECEIPT, SIGNED], SIGNED)),
      fileCase("signed by the older of two receipt keys", untrusted, fileOf([...both, newer], SIGNED)),
      fileCase(
        "signed by the root itself",
        untrusted,
        fileOf(both, signed(ROOT_SIGN, ROOT_KID, "pericard/intake", PAYLOAD)),
      ),
      fileCase(
        "signed by another key under the server's key id",
        untrusted,
        fileOf(both, signed(FACTORY_SIGN, SERVER_KID, "pericard/intake", PAYLOAD)),
      ),
      fileCase(
        "the intake is signed as a command",
        untrusted,
        fileOf(both, signed(SERVER_SIGN, SERVER_KID, "pericard/command", PAYLOAD)),
      ),
      fileCase("a bit of the intake's signature is turned over", untrusted, fileOf(both, flipBit(SIGNED, -1))),
      fileCase(
        "a bit of a statement's signature is turned over",
        untrusted,
        fileOf([HPKE, flipBit(RECEIPT, -1)], SIGNED),
      ),
      fileCase("a bit of the intake's key is turned over", untrusted, flipIn(good, INTAKE_AGREE.publicBytes)),
      fileCase("there are no statements", range, fileOf([], SIGNED)),
      fileCase(
        "there are nine statements",
        range,
        fileOf(
          Array.from({ length: 9 }, () => RECEIPT),
          SIGNED,
        ),
      ),
      fileCase("a statement of 4097 bytes", range, fileOf([...both, new Uint8Array(4097)], SIGNED)),
      fileCase("another format name", "ERR_TYPE_MISMATCH", fileOf(both, SIGNED, "pericard/intake")),
      fileCase("two items", range, array([text("pericard/intake-file"), array(both.map((one) => bytes(one)))])),
      fileCase("the intake is no signed message", "ERR_COSE_STRUCTURE", fileOf(both, new Uint8Array(8))),
      fileCase("a trailing byte", cbor, concatBytes(good, Uint8Array.of(0))),
      fileCase("its last byte lost", cbor, good.slice(0, -1)),
      fileCase("empty", cbor, new Uint8Array(0)),
    ],
  };
}
