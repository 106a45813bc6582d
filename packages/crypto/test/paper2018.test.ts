/** Suite paper-2018: its guard, and what no vector says. */
import { encodePaperContent, PaperKeyOrder, parsePaperEnvelope, RoutingId, SUITE, TenantId } from "@pericard/protocol";
import { checkPrimeSync, createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DESCRIPTOR } from "../../../vectors/cases/body.ts";
import { BINDING, BLOCK, PLACE, ROUTING, seededRandom, USE } from "../../../vectors/cases/fixtures.ts";
import { LEAVE, OTHER_RSA, SERVER_RSA, TERMINAL_RSA } from "../../../vectors/cases/paper-fixtures.ts";
import {
  beginPaperExchange,
  CryptoError,
  desDecrypt,
  desEncrypt,
  drawPaperRsaPair,
  finishPaperExchange,
  openPaperEnvelope,
  openPaperKeyOrder,
  openPaperSegment,
  PAPER_GROUP,
  paperAgreement,
  paperBlockDigest,
  paperExchangeKey,
  paperRsaPrivate,
  paperRsaPublic,
  paperSign,
  paperStorageKey,
  paperTransportKey,
  paperUnwrapKey,
  paperVerify,
  paperWrapKey,
  sealPaperEnvelope,
  sealPaperKeyOrder,
  sealPaperSegment,
  SyntheticTenant,
  systemRandom,
  verifyPaperEnvelope,
} from "../src/index.ts";

const KEY = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const SHARED = new Uint8Array(48).fill(9);
const ORDER = { version: 1, maximum: 360, effectiveFrom: USE };
const HEADER = {
  ...PLACE,
  ...USE,
  suite: SUITE.paper2018,
  tenant: BINDING.tenant,
  terminal: BINDING.terminal,
  policyVersion: 0,
  prev: null,
  final: false,
};
const SEAL_KEYS = {
  transportKey: KEY,
  cycle: 0,
  index: 3,
  recipient: SERVER_RSA.publicKey,
  signKey: TERMINAL_RSA.privateKey,
};
const SEGMENT = { header: HEADER, descriptor: DESCRIPTOR, ciphertext: new Uint8Array(8) };
const ENCODED = { codec: "gzip", encoded: encodePaperContent([KEY]) } as const;
const ENVELOPE = parsePaperEnvelope(sealPaperEnvelope(LEAVE, SEAL_KEYS, ROUTING, ENCODED, systemRandom).bytes);

/** Every function of the suite, with arguments that are right but for the leave. */
const CALLS: Readonly<Record<string, (leave: SyntheticTenant) => unknown>> = {
  beginPaperExchange: (leave) => beginPaperExchange(leave, PAPER_GROUP, systemRandom),
  desDecrypt: (leave) => desDecrypt(leave, KEY, desEncrypt(LEAVE, KEY, KEY)),
  desEncrypt: (leave) => desEncrypt(leave, KEY, KEY),
  drawPaperRsaPair: (leave) => drawPaperRsaPair(leave),
  finishPaperExchange: (leave) =>
    finishPaperExchange(leave, PAPER_GROUP, PAPER_GROUP.prime, new Uint8Array(48).fill(1)),
  openPaperEnvelope: (leave) =>
    openPaperEnvelope(leave, { recipient: SERVER_RSA.privateKey, transportKey: KEY }, ENVELOPE),
  openPaperKeyOrder: (leave) =>
    openPaperKeyOrder(leave, SHARED, PaperKeyOrder.decode(sealPaperKeyOrder(LEAVE, SHARED, ROUTING, ORDER))),
  openPaperSegment: (leave) => openPaperSegment(leave, KEY, { ...SEGMENT, ciphertext: desEncrypt(LEAVE, KEY, KEY) }),
  paperAgreement: (leave) => paperAgreement(leave, PAPER_GROUP).draw(systemRandom),
  paperBlockDigest: (leave) => paperBlockDigest(leave, BLOCK),
  paperExchangeKey: (leave) => paperExchangeKey(leave, SHARED),
  paperRsaPrivate: (leave) => paperRsaPrivate(leave, SERVER_RSA.privateDer),
  paperRsaPublic: (leave) => paperRsaPublic(leave, SERVER_RSA.publicDer),
  paperSign: (leave) => paperSign(leave, TERMINAL_RSA.privateKey, KEY),
  paperStorageKey: (leave) => paperStorageKey(leave, BLOCK, 0),
  paperTransportKey: (leave) => paperTransportKey(leave, BLOCK, 0),
  paperUnwrapKey: (leave) =>
    paperUnwrapKey(leave, SERVER_RSA.privateKey, paperWrapKey(LEAVE, SERVER_RSA.publicKey, KEY, systemRandom)),
  paperVerify: (leave) => paperVerify(leave, TERMINAL_RSA.publicKey, KEY, KEY),
  paperWrapKey: (leave) => paperWrapKey(leave, SERVER_RSA.publicKey, KEY, systemRandom),
  sealPaperEnvelope: (leave) => sealPaperEnvelope(leave, SEAL_KEYS, ROUTING, ENCODED, systemRandom),
  sealPaperKeyOrder: (leave) => sealPaperKeyOrder(leave, SHARED, ROUTING, ORDER),
  sealPaperSegment: (leave) => sealPaperSegment(leave, KEY, HEADER, DESCRIPTOR, KEY),
  verifyPaperEnvelope: (leave) => verifyPaperEnvelope(leave, TERMINAL_RSA.publicKey, ENVELOPE),
};

const FOLDER = join(import.meta.dirname, "../src/paper2018");

/** Names of functions that the folder exports. */
function exportedFunctions(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((name) => name !== "guard.ts")
    .flatMap((name) => [...readFileSync(join(FOLDER, name), "utf8").matchAll(/^export function (\w+)/gm)])
    .map((found) => found[1] ?? "")
    .toSorted();
}

const guardError = expect.objectContaining({ code: "ERR_SUITE_GUARD" }) as unknown;

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** What a caller without leave might try. None of it compiles without a cast. */
const FORGERIES: Readonly<Record<string, unknown>> = {
  "a literal": { id: BINDING.tenant, synthetic: true },
  "an object of the class's prototype": Object.create(SyntheticTenant.prototype),
  "a copy": { ...LEAVE },
  nothing: undefined,
  null: null,
  "a text": BINDING.tenant,
};

describe("the guard of paper-2018", () => {
  it("is asked for by every function of the suite", () => {
    expect(Object.keys(CALLS).toSorted()).toEqual(exportedFunctions());
    expect(Object.keys(CALLS)).toHaveLength(23);
  });

  it.each(Object.entries(CALLS))("lets %s work with leave, and with no forgery", (_name, call) => {
    expect(thrownBy(() => call(LEAVE))).toBeUndefined();
    for (const forgery of Object.values(FORGERIES)) {
      expect(thrownBy(() => call(forgery as SyntheticTenant))).toEqual(guardError);
    }
  });

  it("is given to tenants that were created synthetic alone", () => {
    expect(thrownBy(() => SyntheticTenant.admit({ id: BINDING.tenant, synthetic: false }))).toEqual(guardError);
    expect(SyntheticTenant.idOf(LEAVE)).toBe(BINDING.tenant);
  });

  it("cannot be made with new", () => {
    const make = SyntheticTenant as unknown as new (admission: unknown, id: TenantId) => SyntheticTenant;
    expect(thrownBy(() => new make(Symbol("admission"), BINDING.tenant))).toEqual(guardError);
    class Sub extends make {}
    expect(thrownBy(() => new Sub(undefined, BINDING.tenant))).toEqual(guardError);
  });

  it("is no literal to the compiler", () => {
    const refused: (() => unknown)[] = [
      // @ts-expect-error -- a record of a tenant is no leave
      () => desEncrypt({ id: BINDING.tenant, synthetic: true }, KEY, KEY),
      // @ts-expect-error -- the constructor is private
      () => new SyntheticTenant(undefined, BINDING.tenant),
      // @ts-expect-error -- nothing is no leave
      () => desEncrypt(undefined, KEY, KEY),
    ];
    for (const work of refused) expect(thrownBy(work)).toEqual(guardError);
  });

  it("holds for its own tenant's segments alone", () => {
    const other = SyntheticTenant.admit({ id: TenantId.parse("00".repeat(16)), synthetic: true });
    expect(thrownBy(() => sealPaperSegment(other, KEY, HEADER, DESCRIPTOR, KEY))).toEqual(guardError);
    expect(thrownBy(() => openPaperSegment(other, KEY, SEGMENT))).toEqual(guardError);
  });
});

describe("leave for paper-2018", () => {
  it("is given in these places alone, each from what it trusts", () => {
    const packages = join(import.meta.dirname, "../..");
    const sources = readdirSync(packages)
      .filter((name) => name !== "lab")
      .flatMap((name) =>
        readdirSync(join(packages, name), { recursive: true, encoding: "utf8" })
          .filter((path) => path.startsWith("src/") && path.endsWith(".ts"))
          .map((path) => `${name}/${path}`),
      );
    const giving = sources.filter((path) =>
      readFileSync(join(packages, path), "utf8").includes("SyntheticTenant.admit("),
    );
    expect(giving.toSorted()).toEqual([
      "custody/src/paper-2018.ts",
      "custody/src/paper-key.ts",
      "server/src/keys/paper-peer.ts",
      "trsm/src/paper-trsm.ts",
    ]);
  });
});

describe("paper-2018", () => {
  it("agrees on one key with fresh exponents, and on another one the next time", () => {
    const [server, terminal] = [systemRandom, systemRandom].map((random) =>
      beginPaperExchange(LEAVE, PAPER_GROUP, random),
    );
    if (!server || !terminal) throw new RangeError("two sides");
    const key = finishPaperExchange(LEAVE, PAPER_GROUP, server.secret, terminal.sent);
    expect(finishPaperExchange(LEAVE, PAPER_GROUP, terminal.secret, server.sent)).toEqual(key);
    expect(server.secret).not.toEqual(terminal.secret);
    expect(key).toHaveLength(48);
  });

  it("has a group whose Q is a safe prime after a published number, generated by 2", () => {
    const prime = BigInt(`0x${Buffer.from(PAPER_GROUP.prime).toString("hex")}`);
    const named = createHash("sha384").update("Pericard paper-2018 preset Q").digest("hex");
    const from = BigInt(`0x${named}`) | (1n << 383n);
    expect(prime - from).toBe(248_902n);
    expect(prime % 8n).toBe(3n);
    expect(checkPrimeSync(prime)).toBe(true);
    expect(checkPrimeSync((prime - 1n) / 2n)).toBe(true);
    // Smaller ones of the form are left out by small factors, or by a base that shows them composite.
    for (let smaller = prime - 8n; smaller >= from; smaller -= 8n) {
      const half = (smaller - 1n) / 2n;
      const hasSmallFactor = SMALL_PRIMES.some((factor) => smaller % factor === 0n || half % factor === 0n);
      if (!hasSmallFactor && checkPrimeSync(half, { checks: 1 })) expect(checkPrimeSync(smaller)).toBe(false);
    }
  });

  it("draws rsa keys of its size, and takes no other", () => {
    const { privateDer, publicDer } = drawPaperRsaPair(LEAVE);
    const key = paperRsaPrivate(LEAVE, privateDer);
    expect(paperVerify(LEAVE, paperRsaPublic(LEAVE, publicDer), KEY, paperSign(LEAVE, key, KEY))).toBe(true);
    const short = Buffer.from(SHORT_RSA_SPKI, "base64");
    expect(() => paperRsaPublic(LEAVE, short)).toThrow(RangeError);
  });

  it("wraps with random padding without a zero", () => {
    const zeros = seededRandom("zeros");
    const half = (sizeBytes: number): Uint8Array => zeros(sizeBytes).map((byte) => (byte < 128 ? 0 : byte));
    const wrapped = paperWrapKey(LEAVE, SERVER_RSA.publicKey, KEY, half);
    expect(paperUnwrapKey(LEAVE, SERVER_RSA.privateKey, wrapped)).toEqual(KEY);
    expect(paperWrapKey(LEAVE, SERVER_RSA.publicKey, KEY, half)).not.toEqual(wrapped);
    expect(() => paperUnwrapKey(LEAVE, OTHER_RSA.privateKey, wrapped)).toThrow(CryptoError);
  });

  it("shows equal samples as equal blocks, and does not tell when a block is changed", () => {
    const samples = new Uint8Array(80).fill(7);
    const ciphertext = desEncrypt(LEAVE, KEY, samples);
    const blocks = Array.from({ length: 10 }, (_, i) =>
      Buffer.from(ciphertext.subarray(8 * i, 8 * i + 8)).toString("hex"),
    );
    expect(new Set(blocks).size).toBe(1);
    const changed = ciphertext.slice();
    changed[0] = (changed[0] ?? 0) ^ 1;
    const opened = desDecrypt(LEAVE, KEY, changed);
    expect(opened.subarray(8)).toEqual(samples.subarray(8));
    expect(opened.subarray(0, 8)).not.toEqual(samples.subarray(0, 8));
  });

  it("refuses a content that no reader takes", () => {
    const encoded = new Uint8Array(18 * 1024 * 1024 + 1);
    const seal = (): unknown =>
      sealPaperEnvelope(LEAVE, SEAL_KEYS, RoutingId.parse("00".repeat(8)), { codec: "gzip", encoded }, systemRandom);
    expect(seal).toThrow(RangeError);
    expect(() => sealPaperSegment(LEAVE, KEY, HEADER, DESCRIPTOR, new Uint8Array(16 * 1024 * 1024))).toThrow(
      expect.objectContaining({ code: "ERR_LENGTH_LIMIT" }),
    );
  });
});

const SMALL_PRIMES = Array.from({ length: 2000 }, (_, i) => BigInt(i)).filter((n) => n > 2n && checkPrimeSync(n));
/** A public key of 1,024 bits. */
const SHORT_RSA_SPKI =
  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCq2zoIe2/XKJf8PQGAwgiZ0fX/Ye/bfRLgYIffi4m1AC6FNg7deKL8RfvohDpCRdFoXYCRiEOWnD8OO7/05VOf85Vcd9G5BPN0+Rcf3ZjdsB3GfTThxTBHfH2qjvNYXskFE48ranl32Tj2W7tdKZE6veWu6FIpM2iCsFTEGEABlwIDAQAB";
