/** The first set-up: whole, or redone by the next one, and never over something that may be the only keys. */
import { openWithPassphrase, systemRandom, type RandomSource } from "@pericard/crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { createInstallation, openInstallation, passphraseSecret, ROOT_KEY_FILE } from "../src/installation.ts";
import { KeyStore } from "../src/key-store.ts";
import { isInstalled } from "../src/key-store-place.ts";
import { KEY_STORE_FILE, KEY_STORE_SCHEMA } from "../src/schema.ts";
import { SqliteCopies } from "../src/sqlite-copies.ts";
import { bytesIn, contentsOf, copyFolders, temporaryFolder } from "./support/folders.ts";

const passphrase = new TextEncoder().encode("passphrase");
let folders: readonly string[];
let rootFolderPath: string;
beforeEach(() => {
  folders = copyFolders(2);
  rootFolderPath = join(temporaryFolder(), "root");
});

const create = (random: RandomSource = systemRandom) =>
  createInstallation({
    keyStore: folders,
    passphrase,
    rootFolderPath,
    tenantName: "Tenant",
    synthetic: true,
    nowUnixMs: 5,
    random,
  });

function expectWhole(): void {
  expect(isInstalled(folders)).toBe(true);
  const { store } = openInstallation(folders, passphraseSecret(passphrase), systemRandom);
  expect(store.tenants()).toMatchObject([{ name: "Tenant", synthetic: true }]);
  expect(store.serverKeys("hpke")).toHaveLength(1);
  expect(store.serverKeys("receipt")).toHaveLength(1);
  store.close();
  const sealed = new Uint8Array(readFileSync(join(rootFolderPath, ROOT_KEY_FILE)));
  expect(openWithPassphrase(passphrase, "root", sealed)).toHaveLength(32);
}

test("a set-up gives keys, a tenant, and a root key that is not on the server", () => {
  expect(isInstalled(folders)).toBe(false);
  const { kek, tenant } = create();
  expect(tenant).toMatchObject({ name: "Tenant", synthetic: true });
  expectWhole();
  const sealed = new Uint8Array(readFileSync(join(rootFolderPath, ROOT_KEY_FILE)));
  const seed = openWithPassphrase(passphrase, "root", sealed);
  for (const folder of folders) {
    const bytes = bytesIn(folder);
    expect([bytes.includes(kek), bytes.includes(seed)]).toEqual([false, false]);
  }
});

const look = (): readonly string[] =>
  folders.map((folder) => contentsOf(join(folder, KEY_STORE_FILE)) + readFileSync(join(folder, "kek.sealed"), "hex"));

test("a second set-up is refused, and changes nothing", () => {
  create();
  const before = look();
  expect(() => create()).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_EXISTS" }));
  expect(look()).toEqual(before);
});

describe("a set-up that was interrupted is redone", () => {
  test("wherever it stopped between two drawings of randomness", () => {
    let steps = 0;
    const count: RandomSource = (sizeBytes) => {
      steps += 1;
      return systemRandom(sizeBytes);
    };
    create(count);
    expect(steps).toBeGreaterThan(8);
    for (let stop = 1; stop <= steps; stop += 1) {
      for (const folder of folders) rmSync(folder, { recursive: true });
      let left = stop;
      const failing: RandomSource = (sizeBytes) => {
        left -= 1;
        if (left < 0) throw new Error("killed");
        return systemRandom(sizeBytes);
      };
      if (stop < steps) expect(() => create(failing)).toThrow("killed");
    }
    expect(isInstalled(folders)).toBe(false);
    create();
    expectWhole();
  });

  const leftovers: readonly [string, (folder: string) => void][] = [
    ["a folder", () => undefined],
    ["a sealed key-encryption key", (folder) => writeFileSync(join(folder, "kek.sealed"), "sealed")],
    ["an empty database", (folder) => writeFileSync(join(folder, KEY_STORE_FILE), "")],
    ["a database with its tables", (folder) => SqliteCopies.create([folder], KEY_STORE_FILE, KEY_STORE_SCHEMA).close()],
    [
      "a key store without a tenant",
      (folder) => KeyStore.create([folder], systemRandom(32), 1, systemRandom).store.close(),
    ],
  ];

  test.each(leftovers)("over %s that it left", (_, leave) => {
    const [first = ""] = folders;
    mkdirSync(first, { recursive: true });
    leave(first);
    expect(isInstalled(folders)).toBe(false);
    create();
    expectWhole();
  });
});

describe("a key store that cannot be read is never set up over", () => {
  beforeEach(() => {
    create();
  });

  test("when it is the only one", () => {
    for (const folder of folders) writeFileSync(join(folder, KEY_STORE_FILE), "these may be the only keys".repeat(200));
    expect(() => isInstalled(folders)).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_DAMAGED" }));
    expect(() => create()).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_DAMAGED" }));
    for (const folder of folders) {
      expect(readFileSync(join(folder, KEY_STORE_FILE), "utf8")).toContain("the only keys");
      expect(existsSync(join(folder, "kek.sealed"))).toBe(true);
    }
  });

  test("when the other folder is new", () => {
    rmSync(folders[0] ?? "", { recursive: true });
    writeFileSync(join(folders[1] ?? "", KEY_STORE_FILE), "garbage".repeat(1000));
    expect(() => create()).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_DAMAGED" }));
  });

  test("when the other is whole: that one counts, and makes it good", () => {
    writeFileSync(join(folders[0] ?? "", KEY_STORE_FILE), "garbage".repeat(1000));
    expect(() => create()).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_EXISTS" }));
    expectWhole();
  });
});
