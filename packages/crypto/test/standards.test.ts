/** The primitives against the standards' own numbers. */
import { describe, expect, it } from "vitest";
import { argon2Sync } from "node:crypto";
import { fromHex, sigStructure, toHex } from "@pericard/protocol";
import type { VectorCase } from "../../../vectors/cases/case.ts";
import { bytesOf, loadStandard, numberOf } from "../../../vectors/load.ts";
import {
  aeadOpen,
  aeadSeal,
  ed25519Private,
  ed25519Public,
  ed25519Sign,
  ed25519Verify,
  hkdf,
  hkdfExtract,
  hmacSha256,
  rawPublicKey,
  sha256,
  x25519,
  x25519Private,
  x25519Public,
  type Aead,
} from "../src/index.ts";

const hkdfCase = (vector: VectorCase): string => {
  const salt = bytesOf(vector, "saltHex");
  const key = bytesOf(vector, "ikmHex");
  expect(toHex(hkdfExtract(salt, key))).toBe(vector["prkHex"]);
  return toHex(hkdf(salt, key, bytesOf(vector, "infoHex"), vector.bytesHex.length / 2));
};

const ed25519Case = (vector: VectorCase): string => {
  const key = ed25519Private(bytesOf(vector, "privateKeyHex"));
  const message = bytesOf(vector, "messageHex");
  expect(toHex(rawPublicKey(key))).toBe(vector["publicKeyHex"]);
  const signature = bytesOf(vector, "bytesHex");
  expect(ed25519Verify(ed25519Public(bytesOf(vector, "publicKeyHex")), message, signature)).toBe(true);
  return toHex(ed25519Sign(key, message));
};

const x25519Case = (vector: VectorCase): string =>
  toHex(x25519(x25519Private(bytesOf(vector, "privateKeyHex")), x25519Public(bytesOf(vector, "publicKeyHex"))));

const aeadCase =
  (aead: Aead) =>
  (vector: VectorCase): string => {
    const [key, aad, plain, nonce] = ["keyHex", "aadHex", "plainHex", "nonceHex"].map((name) =>
      bytesOf(vector, name),
    ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    expect(aeadOpen(aead, key, aad, bytesOf(vector, "bytesHex"), nonce)).toEqual(plain);
    return toHex(aeadSeal(aead, key, aad, plain, nonce));
  };

const argon2Case = (vector: VectorCase): string =>
  argon2Sync("argon2id", {
    message: bytesOf(vector, "passphraseHex"),
    nonce: bytesOf(vector, "saltHex"),
    tagLength: 32,
    memory: numberOf(vector, "memoryKib"),
    passes: numberOf(vector, "passCount"),
    parallelism: numberOf(vector, "laneCount"),
  }).toString("hex");

const sign1Case = (vector: VectorCase): string => {
  const covered = sigStructure(bytesOf(vector, "protectedHex"), "", bytesOf(vector, "payloadHex"));
  expect(toHex(covered)).toBe(vector["sigStructureHex"]);
  return toHex(ed25519Sign(ed25519Private(bytesOf(vector, "privateKeyHex")), covered));
};

const PARTS = [
  ["hkdf", 3, hkdfCase],
  ["ed25519", 3, ed25519Case],
  ["x25519", 3, x25519Case],
  ["aes-256-gcm", 3, aeadCase("aes-256-gcm")],
  ["chacha20-poly1305", 1, aeadCase("chacha20-poly1305")],
  ["argon2id", 1, argon2Case],
  ["cose-sign1", 1, sign1Case],
] as const;

describe.each(PARTS)("%s", (part, count, run) => {
  const cases = loadStandard(part);

  it.each(cases)("$name", (vector) => {
    expect(run(vector)).toBe(vector.bytesHex);
  });

  it("has as many cases as it should", () => {
    expect(cases).toHaveLength(count);
  });
});

describe("hashes", () => {
  it("of FIPS 180-4: sha-256 of abc", () => {
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(toHex(sha256(fromHex("616263")))).toBe(abc);
  });

  it("of RFC 4231: hmac-sha-256, test case 2", () => {
    const mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    expect(
      toHex(hmacSha256(fromHex("4a656665"), fromHex("7768617420646f2079612077616e7420666f72206e6f7468696e673f"))),
    ).toBe(mac);
  });
});
