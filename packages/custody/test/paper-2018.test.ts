/** What the key store keeps for suite paper-2018, and for whom it keeps nothing. */
import { drawPaperRsaPair, paperRsaPrivate, rawPublicKey, ed25519Private, systemRandom } from "@pericard/crypto";
import { SUITE } from "@pericard/protocol";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KeyStore, type Tenant } from "../src/index.ts";

let root: string;
let store: KeyStore;
let tenant: Tenant;
const kek = systemRandom(32);
const folders = (): readonly string[] => [join(root, "a"), join(root, "b")];
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pericard-custody-"));
  ({ store } = KeyStore.create(folders(), kek, 1, systemRandom));
  tenant = store.addTenant("synthetic", true, 1);
});
afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

function allocate() {
  const { leave } = store.getPaperTenant(tenant.id);
  return store.allocatePaperTerminal(leave, { index: store.nextBlockIndex, block: systemRandom(960) }, 2);
}

const statementKey = (): Uint8Array => rawPublicKey(ed25519Private(systemRandom(32)));

describe("a tenant that was created synthetic", () => {
  test("has one rsa key for life, also after the store is opened anew, and in every copy", () => {
    const { privateDer, publicDer } = store.getPaperTenant(tenant.id);
    store.close();
    for (const folder of folders()) {
      store = KeyStore.open([folder], kek, systemRandom);
      const again = store.getPaperTenant(tenant.id);
      expect(again.privateDer).toEqual(privateDer);
      expect(again.publicDer).toEqual(publicDer);
      paperRsaPrivate(again.leave, again.privateDer);
      store.close();
    }
    store = KeyStore.open(folders(), kek, systemRandom);
  });

  test("has it sealed on the disk", () => {
    // In PKCS#8 the private exponent stands there; the modulus before it is public.
    const { privateDer } = store.getPaperTenant(tenant.id);
    store.close();
    for (const folder of folders()) {
      const file = readFileSync(join(folder, "keys.sqlite"));
      expect(file.includes(Buffer.from(privateDer.subarray(400, 500)))).toBe(false);
    }
    store = KeyStore.open(folders(), kek, systemRandom);
  });

  test("registers terminals of the suite, once", () => {
    const allocated = allocate();
    expect(allocated).toMatchObject({ suite: SUITE.paper2018, state: "allocated", tenant: tenant.id });
    expect(store.findEnvelopeKey(allocated.serial)).toBeUndefined();
    const { publicDer } = drawPaperRsaPair(store.getPaperTenant(tenant.id).leave);
    const keys = { serial: allocated.serial, signPublicKey: statementKey(), envelopePublicKey: publicDer };
    expect(store.activatePaperTerminal(keys)).toMatchObject({ state: "active", agreePublicKey: null });
    expect(store.findEnvelopeKey(allocated.serial)).toEqual(publicDer);
    expect(() => store.activatePaperTerminal(keys)).toThrow(code("ERR_TERMINAL_STATE"));
  });

  test("keeps the suites of its terminals apart", () => {
    const { serial } = store.allocateTerminal(tenant.id, systemRandom(960), 2);
    const keys = { serial, signPublicKey: statementKey(), envelopePublicKey: systemRandom(294) };
    expect(() => store.activatePaperTerminal(keys)).toThrow(code("ERR_TERMINAL_STATE"));
    expect(store.getTerminal(serial)).toMatchObject({ suite: SUITE.pericard1, state: "allocated" });
    expect(store.terminals(tenant.id)).toHaveLength(1);
  });
});

test("a tenant of real data has no rsa key, and nothing can be allocated for it", () => {
  const real = store.addTenant("real", false, 1);
  expect(() => store.getPaperTenant(real.id)).toThrow(code("ERR_SUITE_GUARD"));
  expect(store.terminals(real.id)).toEqual([]);
});
