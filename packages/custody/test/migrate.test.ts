/** A key store of version 1 is brought to this version with everything in it, in every copy. */
import { openBlob, sealBlob, systemRandom } from "@pericard/crypto";
import { TenantId, TerminalId } from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import type { Tenant } from "../src/entities.ts";
import { KeyStore } from "../src/key-store.ts";
import { KEY_STORE_FILE } from "../src/schema.ts";
import { changeByHand, contentsOf, copyFolders } from "./support/folders.ts";

let folders: readonly string[];
let kek: Uint8Array;
let tenant: Tenant;
let block: Uint8Array;
let serial: TerminalId;
let sealedByVersion1: Uint8Array;

/** Makes one copy what version 1 wrote: no tables of version 2, blocks under the key-encryption key itself. */
function makeVersion1(folder: string): void {
  const database = new DatabaseSync(join(folder, KEY_STORE_FILE));
  const kept = ["meta", "server_keys", "tenants", "patients", "terminals", "assignments", "recordings", "accounts"];
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  database.exec("PRAGMA foreign_keys = OFF");
  for (const { name } of tables) {
    if (![...kept, "sign_in_links"].includes(String(name))) database.exec(`DROP TABLE "${String(name)}"`);
  }
  database.prepare("UPDATE terminals SET sealed_block = ?").run(sealedByVersion1);
  database.exec("UPDATE meta SET value = '1' WHERE name = 'version'");
  database.close();
}

beforeEach(() => {
  folders = copyFolders(2);
  kek = systemRandom(32);
  block = systemRandom(960);
  const { store } = KeyStore.create(folders, kek, 1, systemRandom);
  tenant = store.addTenant("Tenant", false, 1);
  serial = store.allocateTerminal(tenant.id, block, 1).serial;
  store.close();
  const context = ["block", TenantId.toBytes(tenant.id), TerminalId.toBytes(serial)] as const;
  sealedByVersion1 = sealBlob(kek, context, block, systemRandom);
});

function checkStore(): void {
  const store = KeyStore.open(folders, kek, systemRandom);
  expect(store.openBlock(serial)).toEqual(block);
  expect(store.obtainSequenceKey(1).key).toHaveLength(32);
  store.close();
  const copies = folders.map((folder) => contentsOf(join(folder, KEY_STORE_FILE)));
  expect(new Set(copies).size).toBe(1);
}

describe("a key store of version 1", () => {
  test("is brought to this version in every copy", () => {
    for (const folder of folders) makeVersion1(folder);
    checkStore();
    const database = new DatabaseSync(join(folders[1] ?? "", KEY_STORE_FILE), { readOnly: true });
    const sealed = database.prepare("SELECT sealed_block FROM terminals").get()?.["sealed_block"] as Uint8Array;
    database.close();
    const context = ["block", TenantId.toBytes(tenant.id), TerminalId.toBytes(serial)] as const;
    expect(() => openBlob(kek, context, sealed)).toThrow(expect.objectContaining({ code: "ERR_SEAL_BROKEN" }));
  });

  test.each([0, 1])("is brought to it when an interruption left copy %i behind", (behind) => {
    makeVersion1(folders[behind] ?? "");
    const database = new DatabaseSync(join(folders[behind] ?? "", KEY_STORE_FILE));
    database.exec("UPDATE meta SET value = CAST(value AS INTEGER) - 1 WHERE name = 'generation'");
    database.close();
    checkStore();
  });

  test("that differs between copies is refused: nothing in it tells which is right", () => {
    for (const folder of folders) makeVersion1(folder);
    changeByHand(folders.slice(1), KEY_STORE_FILE, "UPDATE tenants SET name = 'Other'");
    expect(() => KeyStore.open(folders, kek, systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_KEYSTORE_DIVERGED" }),
    );
  });

  test("stays as it is when the key-encryption key is another", () => {
    for (const folder of folders) makeVersion1(folder);
    expect(() => KeyStore.open(folders, systemRandom(32), systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_SEAL_BROKEN" }),
    );
    const database = new DatabaseSync(join(folders[0] ?? "", KEY_STORE_FILE), { readOnly: true });
    expect(database.prepare("SELECT sealed_block FROM terminals").get()?.["sealed_block"]).toEqual(sealedByVersion1);
    expect(database.prepare("SELECT value FROM meta WHERE name = 'version'").get()?.["value"]).toBe("1");
    database.close();
  });
});

test("a key store of version 3 is given its digests, which tell from then on", () => {
  const drop = ["copy_digests", "copy_commits", "copy_damages"].map((name) => `DROP TABLE ${name}`);
  for (const sql of [...drop, "UPDATE meta SET value = '3' WHERE name = 'version'"]) {
    changeByHand(folders, KEY_STORE_FILE, sql);
  }
  checkStore();
  changeByHand(folders.slice(0, 1), KEY_STORE_FILE, "UPDATE terminals SET suite = 2");
  const store = KeyStore.open(folders, kek, systemRandom);
  expect(store.terminals(tenant.id)).toMatchObject([{ suite: 1 }]);
  expect(store.takeDamages()).toEqual([{ folder: folders[0], place: `terminals ${serial}`, isHealed: true }]);
  expect(store.takeDamages()).toEqual([]);
  store.close();
});

describe("the master sequence's key", () => {
  test("is drawn once, the same after opening again, and sealed", () => {
    const store = KeyStore.open(folders, kek, systemRandom);
    const first = store.obtainSequenceKey(1);
    store.close();
    const again = KeyStore.open(folders, kek, systemRandom);
    expect(again.obtainSequenceKey(2)).toEqual(first);
    again.close();
    for (const folder of folders) {
      expect(contentsOf(join(folder, KEY_STORE_FILE))).not.toContain(Buffer.from(first.key).toString("hex"));
    }
  });
});

describe("blocks given to many terminals", () => {
  test("keep their indices, and none is given twice", () => {
    const store = KeyStore.open(folders, kek, systemRandom);
    const blocks = [5, 6, 9].map((index) => ({ index, block: systemRandom(960) }));
    const terminals = store.allocateTerminals(tenant.id, blocks, 1);
    expect(terminals.map(({ blockIndex }) => blockIndex)).toEqual([5, 6, 9]);
    expect(terminals.map((one) => one.serial)).toEqual(["000000000006", "000000000007", "00000000000a"]);
    for (const [i, one] of terminals.entries()) expect(store.openBlock(one.serial)).toEqual(blocks[i]?.block);
    expect(store.nextBlockIndex).toBe(10);
    for (const wrong of [[9], [3], [12, 11], [12, 12]]) {
      const given = wrong.map((index) => ({ index, block: systemRandom(960) }));
      expect(() => store.allocateTerminals(tenant.id, given, 1)).toThrow(
        expect.objectContaining({ code: "ERR_SEQUENCE_INDEX" }),
      );
    }
    expect(store.terminals(tenant.id)).toHaveLength(4);
    store.close();
  });
});
