/** Deployment: drawn, loaded, verified, registered; what does not prove its block is quarantined. Source: paper A §II.G. */
import { openBlob, sealBlob, sha256, systemRandom } from "@pericard/crypto";
import { KeyStore, type Tenant } from "@pericard/custody";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import { parseSigned, toHex } from "@pericard/protocol";
import { openTerminalModule, readProvision, writeAuthorisation } from "@pericard/trsm";
import { decodeTrsmImage, encodeTrsmImage, type TrsmImage } from "../../trsm/src/image.ts";
import { readAuthorisation } from "../../trsm/src/soft-folder.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deployTerminal, verifyTerminal, type Factory } from "../src/deploy.ts";

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
  factory = { store, random: systemRandom, nowUnixMs: () => 1 };
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
    const module = openTerminalModule(folder, systemRandom);
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
    const before = folder.list().map((name) => [name, toHex(folder.bytesOf(name))]);
    expect(() => deploy()).toThrow(expect.objectContaining({ code: "ERR_TRSM_LOADED" }));
    expect(folder.list().map((name) => [name, toHex(folder.bytesOf(name))])).toEqual(before);
    expect(openTerminalModule(folder, systemRandom).terminal).toBe(serial);
    expect(store.terminals(tenant.id)).toHaveLength(1);
  });
});

/** The folder after that many of its files were written. */
function interruptedAfter(writes: number): MemoryFolder {
  const inner = createMemoryFolder();
  let left = writes;
  const failing = {
    ...inner,
    replace: (name: string, contents: Uint8Array): void => {
      if (left === 0) throw new Error("power is gone");
      left -= 1;
      inner.replace(name, contents);
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
    expect(openTerminalModule(left, systemRandom).terminal).toBe(serial);
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
    failing.store.activateTerminal = () => {
      throw new Error("power is gone");
    };
    failing.store.allocateTerminal = (...args) => store.allocateTerminal(...args);
    Object.defineProperty(failing.store, "rootPublicKey", { get: () => store.rootPublicKey });
    for (const name of ["serverKeys", "getTerminal", "openBlock", "quarantineTerminal"] as const) {
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
