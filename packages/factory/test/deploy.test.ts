/** Deployment: drawn, loaded, verified, registered; what does not prove its block is quarantined. Source: paper A §II.G. */
import { openBlob, sealBlob, sha256, systemRandom } from "@pericard/crypto";
import { KeyStore, type Tenant } from "@pericard/custody";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import { parseSigned, toHex, type TerminalId } from "@pericard/protocol";
import { openTerminalModule, readProvision, readRefusals, writeAuthorisation } from "@pericard/trsm";
import { decodeTrsmImage, encodeTrsmImage, type TrsmImage } from "../../trsm/src/image.ts";
import { readAuthorisation } from "../../trsm/src/module-folder.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DatabaseSync } from "node:sqlite";
import { deployTerminal, deployTerminals, openSequence, type Factory } from "../src/deploy.ts";
import { verifyTerminal, verifyTerminals } from "../src/verify.ts";

let root: string;
let store: KeyStore;
let tenant: Tenant;
let factory: Factory;
let folder: MemoryFolder;
const targets = [{ url: "http://127.0.0.1:1", token: "token" }];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pericard-factory-"));
  store = KeyStore.create([join(root, "keys")], systemRandom(32), 1, systemRandom).store;
  tenant = store.addTenant("Tenant", true, 1);
  factory = { store, sequenceFolder: createMemoryFolder(), random: systemRandom, nowUnixMs: () => 1 };
  folder = createMemoryFolder();
});
afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

const deploy = (into: MemoryFolder = folder) => deployTerminal(factory, tenant.id, into, targets);

/** Changes the image inside a loaded module, as one who knows the authorisation could. */
function tamper(into: MemoryFolder, change: (image: TrsmImage) => TrsmImage): void {
  const authorisation = readAuthorisation(into);
  const context = ["pericard/trsm-soft"] as const;
  const image = decodeTrsmImage(openBlob(authorisation, context, into.bytesOf("trsm.sealed")));
  const changed = encodeTrsmImage(change(image));
  into.replace("trsm.sealed", sealBlob(authorisation, context, changed, systemRandom));
}

describe("a deployment", () => {
  test("registers the terminal with the keys that it drew, its block sealed in the key store", () => {
    const report = deploy();
    const module = openTerminalModule(folder, systemRandom, () => 0);
    expect(report).toMatchObject({ state: "active", verified: true, trsm: "soft", blockIndex: 0 });
    const terminal = store.getTerminal(report.serial);
    expect(terminal).toMatchObject({ tenant: tenant.id, routing: report.routing, state: "active" });
    expect(terminal.signPublicKey).toEqual(module.signPublicKey);
    expect(terminal.agreePublicKey).toEqual(module.agreePublicKey);
    expect(report.signPublicKeyHex).toBe(toHex(module.signPublicKey));
    expect(module.rootPin).toEqual(sha256(store.rootPublicKey).slice(0, 16));
  });

  test("tells the terminal its routing id, its targets, and the server's newest keys", () => {
    const { serial, routing } = deploy();
    const provision = readProvision(folder);
    expect(provision).toMatchObject({ serial, routing, tenant: tenant.id, targets });
    expect(provision.statements.map((bytes) => parseSigned(bytes).type)).toEqual([
      "pericard/key-statement",
      "pericard/key-statement",
    ]);
  });

  test("gives each terminal a block, a serial number and an identity of its own", () => {
    const folders = Array.from({ length: 4 }, () => createMemoryFolder());
    const reports = folders.map((one) => deploy(one));
    const blocks = reports.map(({ serial }) => toHex(store.openBlock(serial)));
    for (const values of [blocks, reports.map((one) => one.serial), reports.map((one) => one.signPublicKeyHex)]) {
      expect(new Set(values).size).toBe(4);
    }
  });

  test("into a folder that has a module is refused, and takes nothing from the terminal that lives there", () => {
    const { serial } = deploy();
    const files = folder.list();
    const before = files.map((name) => toHex(folder.bytesOf(name)));
    expect(() => deploy()).toThrow(expect.objectContaining({ code: "ERR_TRSM_LOADED" }));
    expect(files.map((name) => toHex(folder.bytesOf(name)))).toEqual(before);
    expect(folder.list()).toEqual([...files, "trsm.refusals"].toSorted());
    expect(readRefusals(folder).counts.load).toBe(1);
    expect(openTerminalModule(folder, systemRandom, () => 0).terminal).toBe(serial);
    expect(store.terminals(tenant.id)).toHaveLength(1);
  });
});

/** Deploys into that many new folders. */
function deployMany(count: number, onProgress?: (done: number) => void) {
  const folders = Array.from({ length: count }, () => createMemoryFolder());
  const sites = folders.map((one) => ({ folder: one }));
  return { folders, reports: deployTerminals(factory, tenant.id, sites, targets, onProgress) };
}

/** Counts what the store commits, through the generation of its first copy. */
function generation(): number {
  const database = new DatabaseSync(join(root, "keys", "keys.sqlite"), { readOnly: true });
  const row = database.prepare("SELECT value FROM meta WHERE name = 'generation'").get();
  database.close();
  return Number(row?.["value"]);
}

describe("a deployment of many", () => {
  test("takes the blocks in the order of the master sequence", () => {
    openSequence(factory).extendTo(250, systemRandom);
    const done: number[] = [];
    const { folders, reports } = deployMany(230, (count) => done.push(count));
    expect(done).toEqual([100, 200, 230]);
    expect(reports.every(({ verified, state }) => verified && state === "active")).toBe(true);
    expect(reports.map(({ blockIndex }) => blockIndex)).toEqual(Array.from({ length: 230 }, (_, i) => i));
    const sequence = openSequence(factory);
    for (const [i, { serial, blockIndex }] of reports.entries()) {
      expect(toHex(store.openBlock(serial))).toBe(toHex(sequence.readBlock(blockIndex)));
      expect(openTerminalModule(folders[i] as MemoryFolder, systemRandom, () => 0).terminal).toBe(serial);
    }
  });

  test("needs two commits for each group", () => {
    openSequence(factory);
    const before = generation();
    deployMany(100);
    expect(generation() - before).toBe(2);
  });

  test("goes on where the last one ended, and extends a sequence that is used up", () => {
    deployMany(3);
    expect(openSequence(factory).endIndex).toBe(64);
    const { reports } = deployMany(70);
    expect(reports[0]?.blockIndex).toBe(3);
    expect(openSequence(factory).endIndex).toBe(128);
    expect(store.terminals(tenant.id)).toHaveLength(73);
  });

  test("does nothing when one of the folders has a module", () => {
    const used = createMemoryFolder();
    deploy(used);
    const sites = [{ folder: createMemoryFolder() }, { folder: used }];
    expect(() => deployTerminals(factory, tenant.id, sites, targets)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_LOADED" }),
    );
    expect(sites[0]?.folder.list()).toEqual([]);
    expect(store.terminals(tenant.id)).toHaveLength(1);
  });

  test("is finished by verifying when it was interrupted before it was registered", () => {
    const folders = Array.from({ length: 5 }, () => createMemoryFolder());
    const failing = {
      ...(folders[4] as MemoryFolder),
      sync: () => {
        throw new Error("power is gone");
      },
    };
    const sites = [...folders.slice(0, 4), failing].map((one) => ({ folder: one }));
    expect(() => deployTerminals(factory, tenant.id, sites, targets)).toThrow("power is gone");
    expect(store.terminals(tenant.id).map(({ state }) => state)).toEqual(Array(5).fill("allocated"));
    const reports = verifyTerminals(factory, folders);
    expect(reports.map(({ state }) => state)).toEqual(Array(5).fill("active"));
  });
});

describe("a verification of many", () => {
  test("reports each, quarantines those that fail, and stops for none", () => {
    const { folders, reports } = deployMany(7);
    const at = (i: number): MemoryFolder => folders[i] as MemoryFolder;
    tamper(at(1), (image) => ({ ...image, block: flipped(image.block, 500, 4) }));
    tamper(at(2), (image) => ({ ...image, block: swapped(image.block) }));
    const other = store.openBlock(reports[0]?.serial as TerminalId);
    tamper(at(3), (image) => ({ ...image, block: other }));
    const sealed = at(4).bytesOf("trsm.sealed");
    sealed[100] = (sealed[100] ?? 0) ^ 1;
    folders.push(createMemoryFolder());
    const found = verifyTerminals(factory, folders);
    expect(found.map(({ code }) => code)).toEqual([
      null,
      "ERR_DEPLOYMENT_PROOF",
      "ERR_DEPLOYMENT_PROOF",
      "ERR_DEPLOYMENT_PROOF",
      "ERR_TRSM_AUTHORISATION",
      null,
      null,
      "ERR_TRSM_PROVISION",
    ]);
    const states = store.terminals(tenant.id).map(({ state }) => state);
    expect(states).toEqual(["active", "quarantined", "quarantined", "quarantined", "quarantined", "active", "active"]);
    expect(found.slice(0, 7).map(({ state }) => state)).toEqual(states);
    expect(found[7]).toEqual({ serial: null, state: "unknown", verified: false, code: "ERR_TRSM_PROVISION" });
  });

  test("finds modules that were exchanged between two folders", () => {
    const { folders } = deployMany(2);
    const [a, b] = folders as [MemoryFolder, MemoryFolder];
    for (const name of ["trsm.sealed", "trsm.authorisation", "trsm.counters"]) {
      const kept = a.bytesOf(name);
      a.replace(name, b.bytesOf(name));
      b.replace(name, kept);
    }
    expect(verifyTerminals(factory, folders).map(({ code }) => code)).toEqual(Array(2).fill("ERR_DEPLOYMENT_PROOF"));
  });
});

/** The folder after that many of its files were written. */
function interruptedAfter(writes: number): MemoryFolder {
  const inner = createMemoryFolder();
  let left = writes;
  const failing = {
    ...inner,
    prepare: (name: string, contents: Uint8Array) => {
      const prepared = inner.prepare(name, contents);
      const rename = (): void => {
        if (left === 0) throw new Error("power is gone");
        left -= 1;
        prepared.rename();
      };
      return { ...prepared, rename };
    },
  };
  expect(() => deployTerminal(factory, tenant.id, failing, targets)).toThrow("power is gone");
  return inner;
}

describe("a deployment that was interrupted", () => {
  test.each([0, 1, 2])("after %i of its files, before there is a module, is done anew", (writes) => {
    const left = interruptedAfter(writes);
    expect(store.terminals(tenant.id).map(({ state }) => state)).toEqual(["allocated"]);
    const { serial } = deploy(left);
    expect(store.getTerminal(serial).state).toBe("active");
    expect(openTerminalModule(left, systemRandom, () => 0).terminal).toBe(serial);
    expect(store.terminals(tenant.id).map(({ state }) => state)).toEqual(["allocated", "active"]);
  });

  test("after its module was loaded leaves a terminal that nobody trusts, and a folder that has to be emptied", () => {
    const left = interruptedAfter(3);
    expect(left.list()).toContain("trsm.sealed");
    expect(() => deploy(left)).toThrow(expect.objectContaining({ code: "ERR_TRSM_LOADED" }));
    expect(store.terminals(tenant.id).map(({ state }) => state)).toEqual(["allocated"]);
  });

  test("before its terminal was verified is finished by verifying", () => {
    const failing = { ...factory, store: Object.create(store) as KeyStore };
    failing.store.activateTerminals = () => {
      throw new Error("power is gone");
    };
    failing.store.allocateTerminals = (...args) => store.allocateTerminals(...args);
    for (const name of ["rootPublicKey", "nextBlockIndex", "handover"] as const) {
      Object.defineProperty(failing.store, name, { get: () => store[name] });
    }
    for (const name of [
      "serverKeys",
      "getTerminal",
      "openBlock",
      "quarantineTerminals",
      "obtainSequenceKey",
    ] as const) {
      Object.assign(failing.store, { [name]: store[name].bind(store) });
    }
    expect(() => deployTerminal(failing, tenant.id, folder, targets)).toThrow("power is gone");
    expect(store.terminals(tenant.id).map(({ state }) => state)).toEqual(["allocated"]);
    expect(verifyTerminal(factory, folder)).toMatchObject({ state: "active", verified: true });
  });
});

function swapped(block: Uint8Array): Uint8Array {
  return new Uint8Array([...block.subarray(8, 16), ...block.subarray(0, 8), ...block.subarray(16)]);
}

function flipped(block: Uint8Array, at: number, mask: number): Uint8Array {
  return block.map((byte, i) => (i === at ? byte ^ mask : byte));
}

/** The block of a terminal that is deployed beside the one in question. */
const otherBlock = (): Uint8Array => store.openBlock(deploy(createMemoryFolder()).serial);

describe("a verification", () => {
  test("passes as often as it is asked, and changes nothing", () => {
    const { serial } = deploy();
    const before = store.getTerminal(serial);
    for (let i = 0; i < 3; i += 1)
      expect(verifyTerminal(factory, folder)).toMatchObject({ verified: true, state: "active" });
    expect(store.getTerminal(serial)).toEqual(before);
  });

  test("does not make a quarantined terminal active", () => {
    const { serial } = deploy();
    store.quarantineTerminal(serial);
    expect(verifyTerminal(factory, folder).state).toBe("quarantined");
    expect(store.getTerminal(serial).state).toBe("quarantined");
  });

  const wrong: readonly [string, (image: TrsmImage) => TrsmImage][] = [
    ["the first bit of its block flipped", (image) => ({ ...image, block: flipped(image.block, 0, 0x80) })],
    ["the last bit of its block flipped", (image) => ({ ...image, block: flipped(image.block, 959, 1) })],
    ["two of its keys swapped", (image) => ({ ...image, block: swapped(image.block) })],
    ["a new block", (image) => ({ ...image, block: systemRandom(960) })],
    ["another terminal's block", (image) => ({ ...image, block: otherBlock() })],
    ["another identity", (image) => ({ ...image, identitySeed: systemRandom(32) })],
  ];

  test.each(wrong)("of a module with %s fails, and quarantines the terminal", (_, change) => {
    const { serial } = deploy();
    tamper(folder, change);
    expect(() => verifyTerminal(factory, folder)).toThrow(expect.objectContaining({ code: "ERR_DEPLOYMENT_PROOF" }));
    expect(store.getTerminal(serial).state).toBe("quarantined");
  });

  test("of a module that names another terminal fails, and quarantines the one that it names", () => {
    deploy();
    const other = deploy(createMemoryFolder());
    tamper(folder, (image) => ({ ...image, serial: other.serial }));
    expect(() => verifyTerminal(factory, folder)).toThrow(expect.objectContaining({ code: "ERR_DEPLOYMENT_PROOF" }));
    expect(store.getTerminal(other.serial).state).toBe("quarantined");
  });

  test("of a module whose file was changed without its authorisation fails", () => {
    deploy();
    const bytes = folder.bytesOf("trsm.sealed");
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    expect(() => verifyTerminal(factory, folder)).toThrow(expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }));
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    writeAuthorisation(folder, systemRandom(32));
    expect(() => verifyTerminal(factory, folder)).toThrow(expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }));
  });

  test("of a terminal that another installation registered fails", () => {
    deploy();
    const elsewhere = KeyStore.create([join(root, "elsewhere")], systemRandom(32), 1, systemRandom).store;
    expect(() => verifyTerminal({ ...factory, store: elsewhere }, folder)).toThrow(
      expect.objectContaining({ code: "ERR_TERMINAL_UNKNOWN" }),
    );
    elsewhere.close();
  });
});
