/**
 * The primitives against Project Wycheproof, which looks for what standards' own examples do not.
 *
 * A wrapper fixes parameters that the vectors vary: keys of 256 bits, nonces of twelve bytes, tags of 16, MACs of 32. Cases
 * of others cannot be expressed and are left out; how many are run is exact.
 *
 * Debian's packages have older and fewer cases, and none of AEADs. Wycheproof's own files have them all.
 */
import { concatBytes, equalBytes } from "@pericard/protocol";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  aeadOpen,
  aeadSeal,
  ed25519Public,
  ed25519Verify,
  hkdf,
  hkdfExpand,
  hkdfExtract,
  hmacSha256,
  x25519,
  x25519Private,
  x25519Public,
  type Aead,
} from "../src/index.ts";
import { blobCases, itWithPackage, ofCircl, ofCrate } from "./support/wycheproof-debian.ts";
import {
  countsOf,
  describeWithSnapshot,
  groupsOf,
  hexOf,
  loadCases,
  loadGroups,
  misjudged,
  outcomeOf,
  type WycheproofCase,
  type WycheproofGroup,
} from "./support/wycheproof.ts";

const isBytes = (outcome: Uint8Array | string, wanted: Uint8Array): boolean =>
  typeof outcome !== "string" && equalBytes(outcome, wanted);

/** Valid ones are sealed to the same bytes and opened; invalid ones are refused. */
function isAeadRight(aead: Aead, one: WycheproofCase): boolean {
  const [key, nonce, aad, plain] = [hexOf(one, "key"), hexOf(one, "iv"), hexOf(one, "aad"), hexOf(one, "msg")];
  const sealed = concatBytes(hexOf(one, "ct"), hexOf(one, "tag"));
  const opened = outcomeOf(() => aeadOpen(aead, key, aad, sealed, nonce));
  if (one.result !== "valid") return opened === "ERR_SEAL_BROKEN";
  return isBytes(opened, plain) && equalBytes(aeadSeal(aead, key, aad, plain, nonce), sealed);
}

const ofAead = ({ keySize, ivSize, tagSize }: WycheproofGroup): boolean =>
  keySize === 256 && ivSize === 96 && tagSize === 128;

const isZero = (one: WycheproofCase): boolean => hexOf(one, "shared").every((byte) => byte === 0);

/** HKDF in one step, and in two. */
function hkdfBothWays(one: WycheproofCase): readonly Uint8Array[] {
  const [key, salt, info] = [hexOf(one, "ikm"), hexOf(one, "salt"), hexOf(one, "info")];
  const size = Number(one["size"]);
  return [hkdf(salt, key, info, size), hkdfExpand(hkdfExtract(salt, key), info, size)];
}

const isHkdfRight = (one: WycheproofCase): boolean =>
  hkdfBothWays(one).every((output) => equalBytes(output, hexOf(one, "okm")));

const isMacRight = (one: WycheproofCase): boolean =>
  equalBytes(hmacSha256(hexOf(one, "key"), hexOf(one, "msg")), hexOf(one, "tag")) === (one.result === "valid");

/** A secret of zero is refused, every other is computed, also of twists and non-canonical points. */
function isAgreementRight(one: WycheproofCase): boolean {
  const made = outcomeOf(() => x25519(x25519Private(hexOf(one, "private")), x25519Public(hexOf(one, "public"))));
  return isZero(one) ? made === "ERR_SHARED_SECRET" : isBytes(made, hexOf(one, "shared"));
}

/** Signatures that are misjudged; `keyField` is where a group has its public key. */
function misjudgedSignatures(groups: readonly WycheproofGroup[], keyField: string): readonly string[] {
  return groups.flatMap((group) => {
    const key = ed25519Public(hexOf(group[keyField] as Readonly<Record<string, unknown>>, "pk"));
    return misjudged(
      group.tests,
      (one) => ed25519Verify(key, hexOf(one, "msg"), hexOf(one, "sig")) === (one.result === "valid"),
    );
  });
}

const casesOf = (groups: readonly WycheproofGroup[]): readonly WycheproofCase[] => groups.flatMap(({ tests }) => tests);

describe("wycheproof of Debian's packages", () => {
  itWithPackage("ed25519", ofCircl("sign/ed25519/testdata/wycheproof_Ed25519.json"), (path) => {
    const groups = groupsOf(readFileSync(path, "utf8"));
    expect(countsOf(casesOf(groups))).toEqual([84, 61, 145]);
    expect(misjudgedSignatures(groups, "key")).toEqual([]);
  });

  itWithPackage("x25519", ofCircl("dh/x25519/testdata/wycheproof_kat.json"), (path) => {
    const cases = JSON.parse(readFileSync(path, "utf8")) as readonly WycheproofCase[];
    expect([cases.filter(isZero).length, cases.length]).toEqual([28, 87]);
    expect(misjudged(cases, isAgreementRight)).toEqual([]);
  });

  itWithPackage("hkdf-sha-256", ofCrate("hkdf", "tests/data/wycheproof-sha256.blb"), (path) => {
    const cases = blobCases(path, ["ikm", "salt", "info", "okm"]);
    const sized = cases.map((one) => ({ ...one, size: hexOf(one, "okm").length }));
    expect(sized.length).toBe(102);
    expect(misjudged(sized, isHkdfRight)).toEqual([]);
  });

  itWithPackage("hmac-sha-256", ofCrate("hmac", "tests/data/wycheproof-sha256.blb"), (path) => {
    const cases = blobCases(path, ["key", "msg", "tag"]);
    const whole = cases.filter((one) => hexOf(one, "tag").length === 32);
    expect([whole.length, cases.length]).toEqual([33, 66]);
    expect(misjudged(whole, isMacRight)).toEqual([]);
  });
});

describeWithSnapshot("wycheproof", () => {
  it.each([
    ["aes-256-gcm", "aes_gcm", 39, 27],
    ["chacha20-poly1305", "chacha20_poly1305", 256, 60],
  ] as const)("%s", (aead, file, validCount, invalidCount) => {
    const cases = loadCases(file, ofAead);
    expect(countsOf(cases)).toEqual([validCount, invalidCount, validCount + invalidCount]);
    expect(misjudged(cases, (one) => isAeadRight(aead, one))).toEqual([]);
  });

  it("ed25519, signatures of every length", () => {
    const groups = loadGroups("ed25519");
    expect(countsOf(casesOf(groups))).toEqual([88, 63, 151]);
    expect(misjudgedSignatures(groups, "publicKey")).toEqual([]);
  });

  it("x25519", () => {
    const cases = loadCases("x25519");
    expect([cases.filter(isZero).length, cases.length]).toEqual([31, 518]);
    expect(misjudged(cases, isAgreementRight)).toEqual([]);
  });

  it("hkdf-sha-256", () => {
    const cases = loadCases("hkdf_sha256");
    const valid = cases.filter(({ result }) => result === "valid");
    expect([valid.length, cases.length]).toEqual([83, 86]);
    expect(misjudged(valid, isHkdfRight)).toEqual([]);
    for (const one of cases) if (one.result === "invalid") expect(() => hkdfBothWays(one)).toThrow(RangeError);
  });

  it("hmac-sha-256", () => {
    const cases = loadCases("hmac_sha256", ({ tagSize }) => tagSize === 256);
    expect(countsOf(cases)).toEqual([33, 54, 87]);
    expect(misjudged(cases, isMacRight)).toEqual([]);
  });
});
