/** What the key store keeps of intakes and of what is handed over: sealed, durable, all or nothing. */
import { keyIdOf, rawPublicKey, systemRandom, x25519Private } from "@pericard/crypto";
import { IntakeId, RoutingId, TerminalId } from "@pericard/protocol";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ImportedTerminal, Tenant } from "../src/entities.ts";
import { createFactoryInstallation, isFactoryInstallation } from "../src/factory-installation.ts";
import type { NewMembership } from "../src/handover.ts";
import { openInstallation, passphraseSecret } from "../src/installation.ts";
import { isInstalled } from "../src/key-store-place.ts";
import type { Import } from "../src/intakes.ts";
import { KeyStore } from "../src/key-store.ts";
import { KEY_STORE_FILE } from "../src/schema.ts";
import { serialOf } from "../src/terminals.ts";
import { bytesIn, contentsOf, copyFolders, changeByHand } from "./support/folders.ts";

const passphrase = new TextEncoder().encode("passphrase");
let folders: readonly string[];
let kek: Uint8Array;
let store: KeyStore;
let tenant: Tenant;
beforeEach(() => {
  folders = copyFolders(2);
  kek = systemRandom(32);
  store = KeyStore.create(folders, kek, 1, systemRandom).store;
  tenant = store.addTenant("Tenant", false, 1);
});
afterEach(() => store.close());

const contents = (): readonly string[] => folders.map((folder) => contentsOf(join(folder, KEY_STORE_FILE)));

function membership(): NewMembership {
  const { id, tenant: of, factoryNumber, publicKey } = store.intakes.create(tenant.id, 2);
  const [hpke, receipt] = [store.serverKeys("hpke")[0], store.serverKeys("receipt")[0]];
  if (!hpke || !receipt) throw new TypeError("store has no server keys");
  const statements = { hpkeStatement: hpke.statement, receiptStatement: receipt.statement };
  return { id, tenant: of, factoryNumber, intakeKey: publicKey, rootPublicKey: store.rootPublicKey, ...statements };
}

function terminal(blockIndex: number): ImportedTerminal {
  const [signPublicKey, agreePublicKey] = [systemRandom(32), systemRandom(32)];
  const routing = RoutingId.fromBytes(systemRandom(8));
  return {
    serial: serialOf(1, blockIndex),
    routing,
    blockIndex,
    block: systemRandom(960),
    signPublicKey,
    agreePublicKey,
  };
}

function importOf(terminals: readonly ImportedTerminal[], factoryKey: Uint8Array = new Uint8Array(32)): Import {
  const [intake] = store.intakes.list();
  if (!intake) throw new TypeError("store has no intake");
  return { intake, factoryKey, terminals, record: { transferNumber: 1, hash: passphrase, knownCount: 0, atUnixMs: 3 } };
}

describe("an intake", () => {
  test("has a number and a key of its own, which is sealed and outlives a change of the KEK", () => {
    const made = [store.intakes.create(tenant.id, 2), store.intakes.create(tenant.id, 3)];
    expect(made.map(({ factoryNumber }) => factoryNumber)).toEqual([1, 2]);
    expect(store.intakes.list()).toEqual(made);
    const next = systemRandom(32);
    store.rewrap(next);
    store.close();
    store = KeyStore.open(folders, next, systemRandom);
    for (const intake of made) {
      const { privateKey, publicBytes } = store.intakes.openKey(intake);
      expect(rawPublicKey(privateKey)).toEqual(publicBytes);
      expect(publicBytes).toEqual(intake.publicKey);
      const raw = new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32));
      expect(rawPublicKey(x25519Private(raw))).toEqual(publicBytes);
      for (const folder of folders) expect(bytesIn(folder).includes(raw)).toBe(false);
    }
    expect(new Set(made.map(({ publicKey }) => keyIdOf(publicKey))).size).toBe(2);
    expect(store.intakes.find(IntakeId.parse("0".repeat(32)))).toBeUndefined();
  });

  test("is refused when every number was given", () => {
    store.intakes.create(tenant.id, 2);
    changeByHand(folders, KEY_STORE_FILE, "UPDATE intakes SET number = 65535");
    const before = store.intakes.list();
    expect(() => store.intakes.create(tenant.id, 3)).toThrow(expect.objectContaining({ code: "ERR_INTAKE_LIMIT" }));
    expect(store.intakes.list()).toEqual(before);
  });
});

describe("terminals of a transfer", () => {
  beforeEach(() => void store.intakes.create(tenant.id, 2));

  test("are in every copy, their blocks sealed, and are no blocks of the own sequence", () => {
    const terminals = [terminal(0), terminal(1)];
    store.intakes.take(importOf(terminals));
    expect(new Set(contents()).size).toBe(1);
    expect(store.nextBlockIndex).toBe(0);
    const secrets = terminals.map(({ serial, block, signPublicKey }) => ({ serial, block, signPublicKey }));
    expect([...store.intakes.secrets()]).toEqual(secrets);
    for (const { serial, blockIndex, block } of terminals) {
      expect(store.getTerminal(serial)).toMatchObject({ blockIndex, state: "active" });
      expect(store.openBlock(serial)).toEqual(block);
      for (const folder of folders) expect(bytesIn(folder).includes(block.subarray(0, 8))).toBe(false);
    }
  });

  test("are all taken or none", () => {
    const first = terminal(0);
    const before = contents();
    const wrong = [first, terminal(1), { ...terminal(2), routing: first.routing }];
    expect(() => store.intakes.take(importOf(wrong))).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_COPY" }));
    expect(contents()).toEqual(before);
    expect(store.intakes.list()[0]?.factoryKey).toBeNull();
  });

  test("are those of one factory", () => {
    const [mine, other] = [systemRandom(32), systemRandom(32)];
    store.intakes.take(importOf([terminal(0)], mine));
    const before = contents();
    const refused = expect.objectContaining({ code: "ERR_INTAKE_FACTORY" });
    expect(() => store.intakes.take(importOf([terminal(1)], other))).toThrow(refused);
    expect(contents()).toEqual(before);
    store.intakes.take(importOf([terminal(1)], mine));
    expect(store.intakes.list()[0]?.factoryKey).toEqual(mine);
    expect(store.intakes.imports()).toHaveLength(2);
  });
});

describe("a factory's key store", () => {
  test("belongs to one intake, for life, with a sealed key of its own", () => {
    const keyFolderPaths = copyFolders(2);
    const plan = { keyFolderPaths, passphrase, membership: membership(), nowUnixMs: 4, random: systemRandom };
    expect(isFactoryInstallation(keyFolderPaths)).toBe(false);
    const joined = createFactoryInstallation(plan);
    expect([isInstalled(keyFolderPaths), isFactoryInstallation(keyFolderPaths)]).toEqual([true, true]);
    expect(isFactoryInstallation(folders)).toBe(false);
    const exists = expect.objectContaining({ code: "ERR_KEYSTORE_EXISTS" });
    expect(() => createFactoryInstallation(plan)).toThrow(exists);
    const opened = openInstallation(keyFolderPaths, passphraseSecret(passphrase), systemRandom).store;
    expect(opened.handover.find()).toEqual(joined);
    const key = opened.handover.openFactoryKey(joined);
    expect(rawPublicKey(key)).toEqual(joined.factoryKey);
    const seed = key.export({ format: "der", type: "pkcs8" }).subarray(-32);
    for (const folder of keyFolderPaths) expect(bytesIn(folder).includes(seed)).toBe(false);
    expect(opened.tenants()).toMatchObject([{ id: tenant.id, synthetic: false }]);
    expect(() => opened.getPaperTenant(tenant.id)).toThrow(expect.objectContaining({ code: "ERR_SUITE_GUARD" }));
    expect(() => opened.handover.join(plan.membership, 5)).toThrow(exists);
    opened.close();
  });

  test("that a set-up left unfinished is made anew by the next", () => {
    const keyFolderPaths = copyFolders(2);
    KeyStore.create(keyFolderPaths, kek, 1, systemRandom).store.close();
    expect(existsSync(join(keyFolderPaths[0] ?? "", KEY_STORE_FILE))).toBe(true);
    const plan = { keyFolderPaths, passphrase, membership: membership(), nowUnixMs: 4, random: systemRandom };
    expect(createFactoryInstallation(plan)).toMatchObject({ tenant: tenant.id, factoryNumber: 1 });
    expect(isFactoryInstallation(keyFolderPaths)).toBe(true);
  });

  test("is none where the server is, and has nothing of a terminal that was not verified", () => {
    expect(store.handover.find()).toBeUndefined();
    const { serial } = store.allocateTerminal(tenant.id, systemRandom(960), 1);
    const refused = expect.objectContaining({ code: "ERR_TERMINAL_STATE" });
    expect(() => store.handover.open(serial)).toThrow(refused);
    store.activateTerminal(serial, systemRandom(32), systemRandom(32));
    expect(() => store.handover.open(serial)).toThrow(refused);
    expect(() => store.handover.open(TerminalId.parse("f".repeat(12)))).toThrow(
      expect.objectContaining({ code: "ERR_TERMINAL_UNKNOWN" }),
    );
    expect(store.handover.waiting(10)).toEqual([]);
  });
});
