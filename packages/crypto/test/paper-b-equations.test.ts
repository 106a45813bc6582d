/** Paper B's equations 1 to 8 under both suites, each computed again from its inputs alone. Source: vectors/paper-b.json. */
import {
  decodeFirstCbor,
  decodePaperContent,
  encodeEncrypt,
  encodeSign1,
  encodeSignedHeader,
  parseSegment,
  parseSigned,
  sigStructure,
} from "@pericard/protocol";
import { createHash, constants, createPublicKey, publicDecrypt, publicEncrypt } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { VectorCase } from "../../../vectors/cases/case.ts";
import { LEAVE } from "../../../vectors/cases/paper-fixtures.ts";
import { bytesOf, countCases, loadCases, textOf } from "../../../vectors/load.ts";
import {
  aeadOpen,
  aeadSeal,
  CryptoError,
  desDecrypt,
  desEncrypt,
  ed25519Private,
  ed25519Public,
  ed25519Sign,
  equalSecrets,
  hpkeOpen,
  hpkeSeal,
  openSegment,
  paperRsaPrivate,
  paperRsaPublic,
  paperSign,
  paperUnwrapKey,
  paperVerify,
  rawPublicKey,
  sha256,
  verifyMessage,
  x25519Private,
  x25519Public,
} from "../src/index.ts";

type Read = (name: string) => Uint8Array;
const EMPTY = new Uint8Array(0);
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const h = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());

function rsaPublic(make: typeof publicEncrypt, der: Uint8Array, block: Uint8Array): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  return new Uint8Array(make({ key, padding: constants.RSA_NO_PADDING }, block));
}

const contextOf = (read: Read) => ({
  info: read("info"),
  aad: EMPTY,
  psk: { key: read("psk"), id: read("pskId") },
});

function requireDigest(of: Uint8Array, digest: Uint8Array): void {
  if (!equalSecrets(sha256(of), digest)) throw new CryptoError("ERR_DIGEST_MISMATCH", "digest is another's");
}

const PERICARD: Readonly<Record<number, (read: Read) => Uint8Array>> = {
  1: (read) => aeadSeal("aes-256-gcm", read("contentKey"), read("aad"), read("plain")),
  2: (read) => {
    const { encapsulatedKey, ciphertext } = hpkeSeal(
      x25519Public(read("recipientPublicKey")),
      x25519Private(read("ephemeralPrivateKey")),
      contextOf(read),
      read("contentKey"),
    );
    return join(encapsulatedKey, ciphertext);
  },
  3: (read) => h(read("encoded")),
  4: (read) =>
    encodeEncrypt({
      protectedBytes: read("protectedBytes"),
      ciphertext: read("ciphertext"),
      recipientProtectedBytes: read("recipientProtectedBytes"),
      encapsulatedKey: read("encapsulatedKey"),
      wrappedKey: read("wrappedKey"),
    }),
  5: (read) => {
    const protectedBytes = encodeSignedHeader("pericard/envelope", read("keyId"));
    const covered = sigStructure(protectedBytes, "pericard/envelope", read("packet"));
    const signature = ed25519Sign(ed25519Private(read("senderPrivateKey")), covered);
    return encodeSign1({ protectedBytes, payload: read("packet"), signature });
  },
  6: (read) => {
    const privateKey = x25519Private(read("recipientPrivateKey"));
    const sealed = { encapsulatedKey: read("encapsulatedKey"), ciphertext: read("wrappedKey") };
    return hpkeOpen({ privateKey, publicBytes: rawPublicKey(privateKey) }, sealed, contextOf(read));
  },
  7: (read) => {
    const message = parseSigned(read("signed"));
    verifyMessage(ed25519Public(read("senderPublicKey")), message);
    return message.payload;
  },
  8: (read) => {
    const plain = aeadOpen("aes-256-gcm", read("contentKey"), read("aad"), read("ciphertext"));
    const [segments] = decodeFirstCbor(plain);
    const [segment = EMPTY] = segments as readonly Uint8Array[];
    requireDigest(openSegment(read("storageKey"), parseSegment(segment)).body.encoded, read("digest"));
    return plain;
  },
};

const PAPER: Readonly<Record<number, (read: Read) => Uint8Array>> = {
  1: (read) => desEncrypt(LEAVE, read("contentKey"), read("plain")),
  2: (read) => {
    const padded = join(Uint8Array.of(0, 2), read("padding"), Uint8Array.of(0), read("contentKey"));
    return rsaPublic(publicEncrypt, read("recipientPublicKey"), padded);
  },
  3: (read) => h(read("plain")),
  4: (read) => join(read("ciphertext"), read("digest"), read("wrappedKey")),
  5: (read) => paperSign(LEAVE, paperRsaPrivate(LEAVE, read("senderPrivateKey")), read("packet")),
  6: (read) => paperUnwrapKey(LEAVE, paperRsaPrivate(LEAVE, read("recipientPrivateKey")), read("wrappedKey")),
  7: (read) => {
    const key = paperRsaPublic(LEAVE, read("senderPublicKey"));
    if (!paperVerify(LEAVE, key, read("packet"), read("signature"))) {
      throw new CryptoError("ERR_SIGNATURE_INVALID", "signature is not the sender's");
    }
    const recovered = rsaPublic(publicDecrypt as typeof publicEncrypt, read("senderPublicKey"), read("signature"));
    expect(recovered.slice(-32)).toEqual(h(read("packet")));
    return recovered;
  },
  8: (read) => {
    const plain = desDecrypt(LEAVE, read("contentKey"), read("ciphertext"));
    requireDigest(plain, read("digest"));
    expect(decodePaperContent(plain)).toHaveLength(1);
    return plain;
  },
};

function compute(vector: VectorCase): Uint8Array {
  const equations = textOf(vector, "suite") === "pericard-1" ? PERICARD : PAPER;
  const equation = equations[Number(vector["equation"])];
  if (!equation) throw new Error("there is no such equation");
  return equation((name) => bytesOf(vector, `${name}Hex`));
}

describe("paper B", () => {
  const cases = loadCases("paper-b");

  it.each(cases)("$name", (vector) => {
    if (vector.expect === "accept") expect(compute(vector)).toEqual(bytesOf(vector, "bytesHex"));
    else expect(() => compute(vector)).toThrow(expect.objectContaining({ code: vector.expect }));
  });

  it.each(["pericard-1", "paper-2018"])(
    "has each equation in %s, and what comes out of one goes into the next",
    (suite) => {
      const of = cases.filter((one) => one["suite"] === suite && one.expect === "accept");
      expect(of.map((one) => one["equation"])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      const [c, kk, digest, d, signed, key, , plain] = of.map((one) => one.bytesHex);
      const input = (equation: number, name: string): unknown => of[equation - 1]?.[`${name}Hex`];
      expect([input(4, "ciphertext"), input(8, "ciphertext")]).toEqual([c, c]);
      expect(kk?.endsWith(String(input(6, "wrappedKey")))).toBe(true);
      expect(input(8, "digest")).toBe(digest);
      expect(input(5, "packet")).toBe(d);
      expect(input(7, suite === "pericard-1" ? "signed" : "signature")).toBe(signed);
      expect([input(1, "contentKey"), input(2, "contentKey"), input(8, "contentKey")]).toEqual([key, key, key]);
      expect(input(1, "plain")).toBe(plain);
    },
  );

  it("is as many cases as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 16, refused: 6 });
  });
});
