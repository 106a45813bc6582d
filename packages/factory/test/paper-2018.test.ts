/** Deployment of terminals of suite paper-2018, and what the paper's check of a block finds. */
import { sha256, systemRandom } from "@pericard/crypto";
import { KeyStore, type Tenant } from "@pericard/custody";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import { SUITE, type RoutingId, type TerminalId } from "@pericard/protocol";
import { loadPaperTrsm, openPaperModule, writeAuthorisation, writeProvision } from "@pericard/trsm";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deployPaperTerminal, deployTerminal, verifyTerminal, type Factory } from "../src/index.ts";

const NOW_UNIX_MS = Date.UTC(2026, 0, 1);
const TARGETS = [{ url: "http://127.0.0.1:1", token: "token" }];
const now = (): number => NOW_UNIX_MS;
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

let root: string;
let store: KeyStore;
let tenant: Tenant;
let factory: Factory;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pericard-factory-"));
  ({ store } = KeyStore.create([join(root, "keys")], systemRandom(32), NOW_UNIX_MS, systemRandom));
  tenant = store.addTenant("synthetic", true, NOW_UNIX_MS);
  factory = { store, sequenceFolder: createMemoryFolder(), random: systemRandom, nowUnixMs: now };
});
afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

/** Loads a module for an allocated terminal, with a block that need not be the registered one. */
function loadModule(serial: TerminalId, routing: RoutingId, block: Uint8Array): MemoryFolder {
  const folder = createMemoryFolder();
  const { leave, publicDer: serverPublicDer } = store.getPaperTenant(tenant.id);
  const authorisation = systemRandom(32);
  const rootPin = sha256(store.rootPublicKey).slice(0, 16);
  const { blockIndex } = store.getTerminal(serial);
  writeAuthorisation(folder, authorisation);
  const ports = { folder, random: systemRandom, nowUnixMs: now };
  loadPaperTrsm(ports, leave, authorisation, { block, serial, blockIndex, rootPin, serverPublicDer });
  writeProvision(folder, { serial, tenant: tenant.id, routing, statements: [], targets: [] });
  return folder;
}

function allocate() {
  const block = systemRandom(960);
  const { leave } = store.getPaperTenant(tenant.id);
  return { block, ...store.allocatePaperTerminal(leave, { index: store.nextBlockIndex, block }, NOW_UNIX_MS) };
}

describe("a deployed terminal of suite paper-2018", () => {
  test("is registered with both of its keys, and its check is that of its block", () => {
    const folder = createMemoryFolder();
    const report = deployPaperTerminal(factory, tenant.id, folder, TARGETS);
    expect(report).toMatchObject({ state: "active", verified: true, trsm: "soft" });
    const module = openPaperModule(folder, systemRandom, now);
    expect(store.findEnvelopeKey(report.serial)).toEqual(module.envelopePublicKey);
    expect(store.getTerminal(report.serial)).toMatchObject({
      suite: SUITE.paper2018,
      signPublicKey: module.signPublicKey,
    });
    expect(verifyTerminal(factory, folder)).toMatchObject({ verified: true, state: "active" });
  });

  test("has a block of the same master sequence as the others", () => {
    const first = deployTerminal(factory, tenant.id, createMemoryFolder(), TARGETS);
    const second = deployPaperTerminal(factory, tenant.id, createMemoryFolder(), TARGETS);
    const third = deployTerminal(factory, tenant.id, createMemoryFolder(), TARGETS);
    const indexes = [first, second, third].map(({ blockIndex }) => blockIndex);
    expect(indexes).toEqual([0, 1, 2].map((step) => first.blockIndex + step));
  });

  test("goes into an empty folder alone", () => {
    const folder = createMemoryFolder();
    deployPaperTerminal(factory, tenant.id, folder, TARGETS);
    expect(() => deployPaperTerminal(factory, tenant.id, folder, TARGETS)).toThrow(code("ERR_TRSM_LOADED"));
    expect(() => deployTerminal(factory, tenant.id, folder, TARGETS)).toThrow(code("ERR_TRSM_LOADED"));
    expect(store.terminals(tenant.id)).toHaveLength(1);
  });

  test("is not deployed for a tenant that was not created synthetic", () => {
    const real = store.addTenant("real", false, NOW_UNIX_MS);
    const folder = createMemoryFolder();
    expect(() => deployPaperTerminal(factory, real.id, folder, TARGETS)).toThrow(code("ERR_SUITE_GUARD"));
    expect(folder.list()).toEqual([]);
    expect(store.terminals(real.id)).toEqual([]);
  });
});

describe("the check of a block", () => {
  test("finds one bit that is another, and quarantines the terminal", () => {
    const { serial, routing, block } = allocate();
    const folder = loadModule(serial, routing, block.with(959, (block[959] ?? 0) ^ 1));
    expect(() => verifyTerminal(factory, folder)).toThrow(code("ERR_DEPLOYMENT_PROOF"));
    expect(store.getTerminal(serial).state).toBe("quarantined");
    expect(store.findEnvelopeKey(serial)).toBeUndefined();
  });

  test("finds a module with the right block and other keys than the registered ones", () => {
    const { serial, routing, block } = allocate();
    verifyTerminal(factory, loadModule(serial, routing, block));
    expect(() => verifyTerminal(factory, loadModule(serial, routing, block))).toThrow(code("ERR_DEPLOYMENT_PROOF"));
  });

  test("does not pass a terminal that is registered for pericard-1", () => {
    const block = systemRandom(960);
    const { serial, routing } = store.allocateTerminal(tenant.id, block, NOW_UNIX_MS);
    expect(() => verifyTerminal(factory, loadModule(serial, routing, block))).toThrow(code("ERR_DEPLOYMENT_PROOF"));
  });
});
