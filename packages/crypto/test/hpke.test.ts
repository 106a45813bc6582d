/** HPKE against RFC 9180, against the draft of its use in COSE, and against another implementation in both directions. */
import * as fc from "fast-check";
import * as Hpke from "hpke";
import { describe, expect, it } from "vitest";
import { decodeEncrypt, encodeCbor, encStructure, fromHex, recipientStructure, toHex, utf8 } from "@pericard/protocol";
import { array, bytes, int, text } from "../../../vectors/cases/cbor-writer.ts";
import type { VectorCase } from "../../../vectors/cases/case.ts";
import { bytesOf, loadCases } from "../../../vectors/load.ts";
import {
  aeadOpen,
  CryptoError,
  hpkeOpen,
  hpkeSeal,
  rawPublicKey,
  x25519Private,
  x25519Public,
  type HpkeContext,
  type HpkeKeyPair,
} from "../src/index.ts";

function contextOf(vector: VectorCase): HpkeContext {
  const context = { info: bytesOf(vector, "infoHex"), aad: bytesOf(vector, "aadHex") };
  return vector["mode"] === "psk"
    ? { ...context, psk: { key: bytesOf(vector, "pskHex"), id: bytesOf(vector, "pskIdHex") } }
    : context;
}

function pairOf(vector: VectorCase): HpkeKeyPair {
  const privateKey = x25519Private(bytesOf(vector, "recipientPrivateKeyHex"));
  return { privateKey, publicBytes: bytesOf(vector, "recipientPublicKeyHex") };
}

describe("rfc 9180 appendix A.2", () => {
  const cases = loadCases("hpke-rfc9180");

  it.each(cases)("$name is opened", (vector) => {
    const sealed = { encapsulatedKey: bytesOf(vector, "encHex"), ciphertext: bytesOf(vector, "bytesHex") };
    expect(toHex(hpkeOpen(pairOf(vector), sealed, contextOf(vector)))).toBe(vector["plainHex"]);
  });

  it.each(cases)("$name is sealed to the same bytes", (vector) => {
    const recipient = x25519Public(bytesOf(vector, "recipientPublicKeyHex"));
    const ephemeral = x25519Private(bytesOf(vector, "ephemeralPrivateKeyHex"));
    const sealed = hpkeSeal(recipient, ephemeral, contextOf(vector), bytesOf(vector, "plainHex"));
    expect(toHex(sealed.encapsulatedKey)).toBe(vector["encHex"]);
    expect(toHex(sealed.ciphertext)).toBe(vector.bytesHex);
  });

  it("has a case of each mode", () => {
    expect(cases.map((vector) => vector["mode"])).toEqual(["base", "psk"]);
  });
});

/** The draft's messages have a nonce in an unprotected header and a key id beside enc, which Pericard's never have. */
function partsOfDraft(message: Uint8Array) {
  const hex = toHex(message);
  const at = (pattern: RegExp): Uint8Array => fromHex(pattern.exec(hex)?.[1] ?? "");
  return {
    protectedBytes: at(/^d8608444(a1011818)/),
    nonce: at(/^d8608444a1011818a1054c(.{24})/),
    ciphertext: at(/^d8608444a1011818a1054c.{24}5821(.{66})/),
    encapsulatedKey: at(/235820(.{64})5830/),
    wrappedKey: at(/5830(.{96})$/),
  };
}

/** The recipient's protected header: with a psk it names the psk, without one the key. */
function recipientHeader(vector: VectorCase): Uint8Array {
  const psk = fromHex("a20118322456456e6e796e20447572696e206172616e204d6f726961");
  return vector["pskHex"] === undefined ? fromHex("a2011832044d626f622d68706b655f345f6b65") : psk;
}

describe("draft-ietf-cose-hpke-25, HPKE-4-KE", () => {
  const cases = loadCases("cose-hpke-draft-25");

  it.each(cases)("$name is opened", (vector) => {
    const parts = partsOfDraft(bytesOf(vector, "bytesHex"));
    const recipientProtected = recipientHeader(vector);
    expect(toHex(bytesOf(vector, "bytesHex"))).toContain(toHex(recipientProtected));
    const info = encodeCbor(["HPKE Recipient", 24, recipientProtected, bytesOf(vector, "extraInfoHex")]);
    const context = { info, aad: bytesOf(vector, "hpkeAadHex") };
    const psk = {
      key: bytesOf({ ...vector, pskHex: vector["pskHex"] ?? "" }, "pskHex"),
      id: utf8("Ennyn Durin aran Moria"),
    };
    const sealed = { encapsulatedKey: parts.encapsulatedKey, ciphertext: parts.wrappedKey };
    const contentKey = hpkeOpen(pairOf(vector), sealed, vector["pskHex"] === undefined ? context : { ...context, psk });
    const externalAad = Buffer.from(bytesOf(vector, "externalAadHex")).toString();
    const aad = encStructure("Encrypt", parts.protectedBytes, externalAad);
    expect(toHex(aeadOpen("chacha20-poly1305", contentKey, aad, parts.ciphertext, parts.nonce))).toBe(
      vector["plainHex"],
    );
  });

  it("has two cases without a psk and eight with one", () => {
    const count = cases.filter((vector) => vector["pskHex"] !== undefined).length;
    expect([cases.length - count, count]).toEqual([2, 8]);
  });

  it("has messages that Pericard itself refuses: their nonce is in a header", () => {
    for (const vector of cases) expect(() => decodeEncrypt(bytesOf(vector, "bytesHex"))).toThrow("unprotected");
  });
});

describe("the recipient structure", () => {
  it("is that of the draft, for aes-256-gcm", () => {
    const written = array([text("HPKE Recipient"), int(3), bytes(utf8("header")), bytes(utf8("extra"))]);
    expect(recipientStructure(utf8("header"), utf8("extra"))).toEqual(written);
  });
});

const SUITE = new Hpke.CipherSuite(Hpke.KEM_DHKEM_X25519_HKDF_SHA256, Hpke.KDF_HKDF_SHA256, Hpke.AEAD_ChaCha20Poly1305);

const short = fc.uint8Array({ maxLength: 80 });
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const inputs = fc.record({
  seed: key,
  ephemeral: key,
  info: short,
  aad: short,
  plain: short,
  psk: fc.option(
    fc.record({
      key: fc.uint8Array({ minLength: 32, maxLength: 64 }),
      id: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    }),
    {
      nil: undefined,
    },
  ),
});

function libraryOptions({ info, aad, psk }: HpkeContext) {
  return psk ? { info, aad, psk: psk.key, pskId: psk.id } : { info, aad };
}

function ourContext(info: Uint8Array, aad: Uint8Array, psk: HpkeContext["psk"]): HpkeContext {
  return psk ? { info, aad, psk } : { info, aad };
}

describe("the hpke library", () => {
  it("opens what we seal, with and without a psk", async () => {
    const modes = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(inputs, async ({ seed, ephemeral, info, aad, plain, psk }) => {
        modes.add(psk !== undefined);
        const context = ourContext(info, aad, psk);
        const publicBytes = rawPublicKey(x25519Private(seed));
        const sealed = hpkeSeal(x25519Public(publicBytes), x25519Private(ephemeral), context, plain);
        const privateKey = await SUITE.DeserializePrivateKey(seed, false);
        const publicKey = await SUITE.DeserializePublicKey(publicBytes);
        const opened = await SUITE.Open(
          { privateKey, publicKey },
          sealed.encapsulatedKey,
          sealed.ciphertext,
          libraryOptions(context),
        );
        expect(opened).toEqual(plain);
      }),
    );
    expect(modes.size).toBe(2);
  });

  it("seals what we open, with and without a psk", async () => {
    const modes = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(inputs, async ({ seed, info, aad, plain, psk }) => {
        modes.add(psk !== undefined);
        const context = ourContext(info, aad, psk);
        const privateKey = x25519Private(seed);
        const publicBytes = rawPublicKey(privateKey);
        const publicKey = await SUITE.DeserializePublicKey(publicBytes);
        const { encapsulatedSecret, ciphertext } = await SUITE.Seal(publicKey, plain, libraryOptions(context));
        expect(
          hpkeOpen({ privateKey, publicBytes }, { encapsulatedKey: encapsulatedSecret, ciphertext }, context),
        ).toEqual(plain);
      }),
    );
    expect(modes.size).toBe(2);
  });
});

describe("hpke", () => {
  const privateKey = x25519Private(new Uint8Array(32).fill(1));
  const publicBytes = rawPublicKey(privateKey);
  const psk = { key: new Uint8Array(32).fill(2), id: utf8("id") };
  const context: HpkeContext = { info: utf8("info"), aad: utf8("aad"), psk };
  const sealed = hpkeSeal(x25519Public(publicBytes), x25519Private(new Uint8Array(32).fill(3)), context, utf8("plain"));

  const seal = (bad: { key: Uint8Array; id: Uint8Array }) =>
    hpkeSeal(x25519Public(publicBytes), privateKey, { ...context, psk: bad }, utf8("plain"));
  expect(() => seal({ ...psk, key: new Uint8Array(31) })).toThrow(RangeError);

  const others: readonly (readonly [string, HpkeContext])[] = [
    ["info", { ...context, info: utf8("inf0") }],
    ["aad", { ...context, aad: utf8("aae") }],
    ["psk", { ...context, psk: { ...psk, key: new Uint8Array(32).fill(4) } }],
    ["psk id", { ...context, psk: { ...psk, id: utf8("ie") } }],
    ["mode", { info: context.info, aad: context.aad }],
  ];

  it.each(others)("does not open under another %s", (_, other) => {
    expect(() => hpkeOpen({ privateKey, publicBytes }, sealed, other)).toThrow(CryptoError);
  });

  it("refuses a psk under 32 bytes or without a name", () => {
    expect(() => seal({ ...psk, id: new Uint8Array(0) })).toThrow(RangeError);
  });

  it("does not seal to a point of low order", () => {
    expect(() => hpkeSeal(x25519Public(new Uint8Array(32)), privateKey, context, utf8("plain"))).toThrow(
      expect.objectContaining({ code: "ERR_SHARED_SECRET" }),
    );
  });
});
