import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "@pericard/protocol";
import {
  aeadOpen,
  aeadSeal,
  ed25519Private,
  ed25519Public,
  equalSecrets,
  hkdf,
  hkdfExpand,
  hkdfExtract,
  rawPublicKey,
  systemRandom,
  x25519,
  x25519Private,
  x25519Public,
} from "../src/index.ts";

const KEY = new Uint8Array(32).fill(1);
const NONE = new Uint8Array(0);

describe("hkdf-expand", () => {
  it.each([1, 31, 32, 33, 64, 8160])("gives %i bytes, the first of every longer output", (sizeBytes) => {
    const longest = hkdfExpand(KEY, utf8("info"), 8160);
    expect(hkdfExpand(KEY, utf8("info"), sizeBytes)).toEqual(longest.slice(0, sizeBytes));
  });

  it.each([0, -1, 8161, 1.5, Number.NaN])("refuses %d bytes, where its counter would repeat", (sizeBytes) => {
    expect(() => hkdfExpand(KEY, NONE, sizeBytes)).toThrow(RangeError);
  });
});

describe("hkdf", () => {
  it.each([0, 1, 1023, 1024, 1025, 3000])("is extract and expand, for %i bytes of info", (sizeBytes) => {
    const info = new Uint8Array(sizeBytes).fill(7);
    for (const salt of [NONE, KEY, new Uint8Array(100).fill(9)]) {
      expect(hkdf(salt, KEY, info, 77)).toEqual(hkdfExpand(hkdfExtract(salt, KEY), info, 77));
    }
  });

  it.each([0, 8161, 1.5])("refuses %d bytes", (sizeBytes) => {
    expect(() => hkdf(KEY, KEY, NONE, sizeBytes)).toThrow(RangeError);
  });
});

describe.each(["aes-256-gcm", "chacha20-poly1305"] as const)("%s", (aead) => {
  const sealed = aeadSeal(aead, KEY, utf8("aad"), utf8("plain"));

  it("ends with a tag of 16 bytes", () => {
    expect(sealed).toHaveLength(5 + 16);
  });

  it.each([4, 8, 12, 15])("does not take a tag of %i bytes", (tagBytes) => {
    expect(() => aeadOpen(aead, KEY, utf8("aad"), sealed.slice(0, 5 + tagBytes))).toThrow(
      expect.objectContaining({ code: "ERR_SEAL_BROKEN" }),
    );
  });

  it("seals nothing to a tag", () => {
    const empty = aeadSeal(aead, KEY, NONE, NONE);
    expect(empty).toHaveLength(16);
    expect(aeadOpen(aead, KEY, NONE, empty)).toEqual(NONE);
  });

  it("gives plain bytes that share no memory with what they came from", () => {
    const opened = aeadOpen(aead, KEY, utf8("aad"), sealed);
    expect(opened.constructor).toBe(Uint8Array);
    expect(opened.buffer).not.toBe(sealed.buffer);
  });

  it.each([
    ["key", new Uint8Array(32), utf8("aad")],
    ["aad", KEY, utf8("aae")],
    ["aad that is a byte longer", KEY, utf8("aad ")],
  ])("does not open under another %s", (_, key, aad) => {
    expect(() => aeadOpen(aead, key, aad, sealed)).toThrow(expect.objectContaining({ code: "ERR_SEAL_BROKEN" }));
  });
});

describe("keys", () => {
  it.each([ed25519Private, ed25519Public, x25519Private, x25519Public])("%# of 31 or 33 bytes are refused", (make) => {
    expect(() => make(new Uint8Array(31))).toThrow(RangeError);
    expect(() => make(new Uint8Array(33))).toThrow(RangeError);
  });

  it("give the same public bytes from either half", () => {
    for (const [privateOf, publicOf] of [
      [ed25519Private, ed25519Public],
      [x25519Private, x25519Public],
    ] as const) {
      const raw = rawPublicKey(privateOf(KEY));
      expect(rawPublicKey(publicOf(raw))).toEqual(raw);
    }
  });

  it("agree on one secret", () => {
    const [a, b] = [x25519Private(KEY), x25519Private(new Uint8Array(32).fill(2))];
    const secret = x25519(a, x25519Public(rawPublicKey(b)));
    expect(toHex(x25519(b, x25519Public(rawPublicKey(a))))).toBe(toHex(secret));
  });

  it("of different curves do not agree", () => {
    expect(() => x25519(x25519Private(KEY), ed25519Public(rawPublicKey(ed25519Private(KEY))))).toThrow(
      expect.objectContaining({ code: "ERR_SHARED_SECRET" }),
    );
  });
});

describe("secrets", () => {
  it("are equal when every byte is", () => {
    expect(equalSecrets(KEY, KEY.slice())).toBe(true);
    expect(equalSecrets(NONE, NONE)).toBe(true);
  });

  it("differ in one bit or in length", () => {
    const other = KEY.slice();
    other[31] = 0x81;
    expect(equalSecrets(KEY, other)).toBe(false);
    expect(equalSecrets(KEY, KEY.slice(1))).toBe(false);
  });
});

describe("the system's random source", () => {
  it("gives as many bytes as asked, never the same", () => {
    expect(systemRandom(33)).toHaveLength(33);
    expect(toHex(systemRandom(32))).not.toBe(toHex(systemRandom(32)));
  });
});
