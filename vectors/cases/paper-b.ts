/**
 * Vectors of paper B's equations 1 to 8, one case an equation and suite, in the order in which they are computed: what comes
 * out of one goes into the next.
 *
 * Source: paper B §4, as corrected in docs/papers.md; docs/format.md §6; docs/format-paper-2018.md §5.
 */
import {
  aeadSeal,
  desEncrypt,
  ed25519Private,
  hkdfExpand,
  hpkeSeal,
  openSegment,
  paperSign,
  sha256,
  signMessage,
  x25519Private,
  x25519Public,
} from "@pericard/crypto";
import {
  concatBytes,
  encodeCbor,
  encodeEncrypt,
  encodeEnvelopeHeader,
  encodePaperContent,
  encodePskId,
  encodeRecipientHeader,
  encStructure,
  EnvelopeId,
  parseSegment,
  RoutingId,
  SUITE,
  toHex,
} from "@pericard/protocol";
import { createPublicKey, constants, publicDecrypt, publicEncrypt } from "node:crypto";
import type { VectorCase, VectorFile } from "./case.ts";
import { array, bytes, text } from "./cbor-writer.ts";
import { flipBit } from "./edit.ts";
import {
  ENVELOPE,
  groupKey,
  ROUTING,
  seededRandom,
  SERVER_HPKE,
  SERVER_HPKE_ID,
  TERMINAL_SIGN,
  USE,
} from "./fixtures.ts";
import { LEAVE, PAPER_TRANSPORT_KEY, SERVER_RSA, TERMINAL_RSA } from "./paper-fixtures.ts";
import { PAPER_SEGMENT } from "./paper-segment.ts";
import { SEGMENT } from "./segment.ts";

const TYPE = "pericard/envelope";

type Inputs = Readonly<Record<string, Uint8Array>>;

/** One equation: what goes in and what comes out, or the code of its refusal. */
interface Equation {
  readonly suite: "pericard-1" | "paper-2018";
  readonly number: number;
  readonly formula: string;
  readonly inputs: Inputs;
  readonly result: Uint8Array;
  readonly refused?: string;
}

function caseOf({ suite, number, formula, inputs, result, refused }: Equation): VectorCase {
  const hex = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`${name}Hex`, toHex(value)]));
  const what = `${suite}, eq. ${number}: ${formula}`;
  return {
    name: refused === undefined ? what : `${what}, one bit turned over`,
    expect: refused ?? "accept",
    suite,
    equation: number,
    ...hex,
    bytesHex: toHex(result),
  };
}

/** Everything of one envelope of pericard-1. */
function pericardEquations(): readonly Equation[] {
  const suite = "pericard-1";
  const storageKey = groupKey("storage");
  const { body } = openSegment(storageKey, parseSegment(SEGMENT));
  const items = encodeCbor([SEGMENT]);
  const plain = concatBytes(items, new Uint8Array(256 * Math.ceil(items.length / 256) - items.length));
  const contentKey = seededRandom("paper b: content key")(32);
  const ephemeral = seededRandom("paper b: ephemeral")(32);
  const commitment = hkdfExpand(contentKey, array([text("commit"), bytes(EnvelopeId.toBytes(ENVELOPE))]), 32);
  const header = {
    suite: SUITE.pericard1,
    envelope: ENVELOPE,
    routing: ROUTING,
    commitment,
    paddedBytes: plain.length,
  };
  const protectedBytes = encodeEnvelopeHeader(header);
  const recipientProtectedBytes = encodeRecipientHeader({ hpkeKey: SERVER_HPKE_ID, ...USE });
  const aad = encStructure("Encrypt", protectedBytes, TYPE);
  const info = encodeCbor(["HPKE Recipient", 3, recipientProtectedBytes, protectedBytes]);
  const psk = groupKey("transport");
  const pskId = encodePskId(USE.cycle, USE.index);
  const ciphertext = aeadSeal("aes-256-gcm", contentKey, aad, plain);
  const wrapped = hpkeSeal(
    x25519Public(SERVER_HPKE.publicBytes),
    x25519Private(ephemeral),
    { info, aad: new Uint8Array(0), psk: { key: psk, id: pskId } },
    contentKey,
  );
  const { encapsulatedKey, ciphertext: wrappedKey } = wrapped;
  const recipientPrivateKey = SERVER_HPKE.seed;
  const packet = encodeEncrypt({ protectedBytes, ciphertext, recipientProtectedBytes, encapsulatedKey, wrappedKey });
  const keyId = RoutingId.toBytes(ROUTING);
  const signed = signMessage(ed25519Private(TERMINAL_SIGN.seed), TYPE, keyId, packet);
  const unwrap = { recipientPrivateKey, encapsulatedKey, psk, pskId, info };
  const verify = { senderPublicKey: TERMINAL_SIGN.publicBytes };
  const open = { contentKey, aad, storageKey, digest: body.digest };
  return [
    { suite, number: 1, formula: "C = E_KC(P)", inputs: { contentKey, aad, plain }, result: ciphertext },
    {
      suite,
      number: 2,
      formula: "K_K = E_PK-S(K_C)",
      inputs: {
        recipientPublicKey: SERVER_HPKE.publicBytes,
        ephemeralPrivateKey: ephemeral,
        psk,
        pskId,
        info,
        contentKey,
      },
      result: concatBytes(encapsulatedKey, wrappedKey),
    },
    {
      suite,
      number: 3,
      formula: "P' = H(P), inside the seal",
      inputs: { encoded: body.encoded },
      result: body.digest,
    },
    {
      suite,
      number: 4,
      formula: "D = C, K_K and their headers; P' lies in C",
      inputs: { protectedBytes, ciphertext, recipientProtectedBytes, encapsulatedKey, wrappedKey },
      result: packet,
    },
    {
      suite,
      number: 5,
      formula: "D' = Sig_SK-R(D)",
      inputs: { senderPrivateKey: TERMINAL_SIGN.seed, keyId, packet },
      result: signed,
    },
    { suite, number: 6, formula: "K_C = D_SK-S(K_K)", inputs: { ...unwrap, wrappedKey }, result: contentKey },
    { suite, number: 7, formula: "D = V_PK-R(D')", inputs: { ...verify, signed }, result: packet },
    { suite, number: 8, formula: "P = D_KC(C), then P' = H(P)", inputs: { ...open, ciphertext }, result: plain },
    {
      suite,
      number: 6,
      formula: "K_C = D_SK-S(K_K)",
      inputs: { ...unwrap, wrappedKey: flipBit(wrappedKey, 9) },
      result: contentKey,
      refused: "ERR_SEAL_BROKEN",
    },
    {
      suite,
      number: 7,
      formula: "D = V_PK-R(D')",
      inputs: { ...verify, signed: flipBit(signed, -80) },
      result: packet,
      refused: "ERR_SIGNATURE_INVALID",
    },
    {
      suite,
      number: 8,
      formula: "P = D_KC(C), then P' = H(P)",
      inputs: { ...open, ciphertext: flipBit(ciphertext, 100) },
      result: plain,
      refused: "ERR_SEAL_BROKEN",
    },
  ];
}

/** RSA alone, without a padding: the paper's E and D. */
function rsa(make: typeof publicEncrypt, der: Uint8Array, block: Uint8Array): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  return new Uint8Array(make({ key, padding: constants.RSA_NO_PADDING }, block));
}

/** As printed, with the two misprints of steps 4 and 5 read as the keys that Table 1 gives the sender. */
function paperEquations(): readonly Equation[] {
  const suite = "paper-2018";
  const plain = encodePaperContent([PAPER_SEGMENT]);
  const contentKey = PAPER_TRANSPORT_KEY;
  const padding = seededRandom("paper b: padding")(245).map((byte) => byte || 1);
  const padded = concatBytes(Uint8Array.of(0, 2), padding, Uint8Array.of(0), contentKey);
  const ciphertext = desEncrypt(LEAVE, contentKey, plain);
  const wrappedKey = rsa(publicEncrypt, SERVER_RSA.publicDer, padded);
  const digest = sha256(plain);
  const packet = concatBytes(ciphertext, digest, wrappedKey);
  const signature = paperSign(LEAVE, TERMINAL_RSA.privateKey, packet);
  const recovered = rsa(publicDecrypt as typeof publicEncrypt, TERMINAL_RSA.publicDer, signature);
  const unwrap = { recipientPrivateKey: SERVER_RSA.privateDer };
  const verify = { senderPublicKey: TERMINAL_RSA.publicDer, packet };
  return [
    { suite, number: 1, formula: "C = E_KC(P)", inputs: { contentKey, plain }, result: ciphertext },
    {
      suite,
      number: 2,
      formula: "K_K = E_PK-S(K_C)",
      inputs: { recipientPublicKey: SERVER_RSA.publicDer, padding, contentKey },
      result: wrappedKey,
    },
    { suite, number: 3, formula: "P' = H(P)", inputs: { plain }, result: digest },
    { suite, number: 4, formula: "D = C || P' || K_K", inputs: { ciphertext, digest, wrappedKey }, result: packet },
    {
      suite,
      number: 5,
      formula: "D' = Sig_SK-R(D)",
      inputs: { senderPrivateKey: TERMINAL_RSA.privateDer, packet },
      result: signature,
    },
    { suite, number: 6, formula: "K_C = D_SK-S(K_K)", inputs: { ...unwrap, wrappedKey }, result: contentKey },
    {
      suite,
      number: 7,
      formula: "D_PK-R(D') = the padded H(D)",
      inputs: { ...verify, signature },
      result: recovered,
    },
    {
      suite,
      number: 8,
      formula: "P = D_KC(C), then P' = H(P)",
      inputs: { contentKey, ciphertext, digest },
      result: plain,
    },
    {
      suite,
      number: 6,
      formula: "K_C = D_SK-S(K_K)",
      inputs: { ...unwrap, wrappedKey: flipBit(wrappedKey, 9) },
      result: contentKey,
      refused: "ERR_SEAL_BROKEN",
    },
    {
      suite,
      number: 7,
      formula: "D_PK-R(D') = the padded H(D)",
      inputs: { ...verify, signature: flipBit(signature, 9) },
      result: recovered,
      refused: "ERR_SIGNATURE_INVALID",
    },
    {
      suite,
      number: 8,
      formula: "P = D_KC(C), then P' = H(P)",
      inputs: { contentKey, ciphertext: flipBit(ciphertext, 9), digest },
      result: plain,
      refused: "ERR_DIGEST_MISMATCH",
    },
  ];
}

/** Every vector of paper B's equations. */
export function paperBVectors(): VectorFile {
  return {
    structure: "paper B, equations 1 to 8",
    source: "paper B §4, docs/format.md §6, docs/format-paper-2018.md §5",
    steps: "compute the equation from its inputs; the result is bytes",
    cases: [...pericardEquations(), ...paperEquations()].map(caseOf),
  };
}
