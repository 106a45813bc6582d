/** The key store: what is sealed, what is refused, what is used once. */
import { systemRandom, verifyMessage, ed25519Public } from "@pericard/crypto";
import { KeyStatement, parseSigned, PatientId, RecordingId, RoutingId, TerminalId } from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Tenant } from "../src/entities.ts";
import { KeyStore } from "../src/key-store.ts";
import { KEY_STORE_FILE } from "../src/schema.ts";
import { bytesIn, contentsOf, copyFolders, changeByHand } from "./support/folders.ts";

let folders: readonly string[];
let kek: Uint8Array;
let store: KeyStore;
let tenant: Tenant;
beforeEach(() => {
  folders = copyFolders(2);
  kek = systemRandom(32);
  store = KeyStore.create(folders, kek, 1000, systemRandom).store;
  tenant = store.addTenant("Tenant", false, 1000);
});
afterEach(() => store.close());

const recordingId = (): RecordingId => RecordingId.fromBytes(systemRandom(16));
const filesAsText = (): string => contentsOf(join(folders[0] ?? "", KEY_STORE_FILE));

function reopen(): void {
  store.close();
  store = KeyStore.open(folders, kek, systemRandom);
}

function allocate(of: Tenant = tenant) {
  const block = systemRandom(960);
  return { block, ...store.allocateTerminal(of.id, block, 1000) };
}

describe("server keys", () => {
  test("are vouched for by the root key, and sealed", () => {
    for (const purpose of ["hpke", "receipt"] as const) {
      const [key] = store.serverKeys(purpose);
      if (!key) throw new Error("key is missing");
      const message = parseSigned(key.statement);
      verifyMessage(ed25519Public(store.rootPublicKey), message);
      expect(KeyStatement.decode(message.payload)).toMatchObject({ purpose, version: 1, publicKey: key.publicBytes });
      for (const folder of folders) expect(bytesIn(folder).includes(key.privateBytes)).toBe(false);
    }
  });

  test("do not open under another key-encryption key", () => {
    store.close();
    store = KeyStore.open(folders, systemRandom(32), systemRandom);
    expect(() => store.serverKeys("hpke")).toThrow(expect.objectContaining({ code: "ERR_SEAL_BROKEN" }));
  });
});

describe("patients", () => {
  test("have names that nobody reads in the file", () => {
    const patient = store.addPatient(tenant.id, "Ada Lovelace", 1000);
    expect(store.patients(tenant.id)).toEqual([patient]);
    for (const folder of folders) expect(bytesIn(folder).includes("Lovelace")).toBe(false);
    reopen();
    expect(store.patients(tenant.id)).toEqual([patient]);
  });

  test("of one name are one, in one tenant", () => {
    const other = store.addTenant("Other", true, 1001);
    store.addPatient(tenant.id, "Ada", 1000);
    expect(() => store.addPatient(tenant.id, "Ada", 1)).toThrow(
      expect.objectContaining({ code: "ERR_PATIENT_EXISTS" }),
    );
    store.addPatient(other.id, "Ada", 1000);
    expect(store.patients(other.id)).toHaveLength(1);
  });

  test("of another tenant get no terminal", () => {
    const other = store.addTenant("Other", true, 1001);
    const { id } = store.addPatient(other.id, "Ada", 1000);
    const { serial } = allocate();
    expect(() => store.assign(serial, id, 1, "r")).toThrow(expect.objectContaining({ code: "ERR_PATIENT_UNKNOWN" }));
    const nobody = PatientId.fromBytes(systemRandom(16));
    expect(() => store.assign(serial, nobody, 1, "r")).toThrow(
      expect.objectContaining({ code: "ERR_PATIENT_UNKNOWN" }),
    );
  });
});

describe("terminals", () => {
  test("have numbers of their own and sealed blocks", () => {
    const terminals = [allocate(), allocate(), allocate()];
    expect(terminals.map(({ blockIndex }) => blockIndex)).toEqual([0, 1, 2]);
    expect(new Set(terminals.map(({ serial }) => serial)).size).toBe(3);
    for (const { serial, block } of terminals) {
      expect(store.openBlock(serial)).toEqual(block);
      for (const folder of folders) {
        expect(bytesIn(folder).includes(block)).toBe(false);
        expect(bytesIn(folder).includes(block.subarray(0, 8))).toBe(false);
      }
    }
    reopen();
    expect(store.openBlock(terminals[1]?.serial ?? TerminalId.parse("0".repeat(12)))).toEqual(terminals[1]?.block);
  });

  test("become active once, are quarantined for good, and are found by their routing id", () => {
    const { serial, routing } = allocate();
    const [sign, agree] = [systemRandom(32), systemRandom(32)];
    expect(store.activateTerminal(serial, sign, agree)).toMatchObject({ state: "active", signPublicKey: sign });
    expect(() => store.activateTerminal(serial, agree, sign)).toThrow(
      expect.objectContaining({ code: "ERR_TERMINAL_STATE" }),
    );
    expect(store.quarantineTerminal(serial).state).toBe("quarantined");
    expect(() => store.activateTerminal(serial, sign, agree)).toThrow(
      expect.objectContaining({ code: "ERR_TERMINAL_STATE" }),
    );
    expect(store.findTerminalByRouting(routing)?.serial).toBe(serial);
    expect(store.findTerminalByRouting(RoutingId.fromBytes(systemRandom(8)))).toBeUndefined();
  });

  test("that nobody registered are unknown", () => {
    const serial = TerminalId.parse("f".repeat(12));
    for (const act of [
      () => store.getTerminal(serial),
      () => store.openBlock(serial),
      () => store.quarantineTerminal(serial),
      () => store.assign(serial, null, 1, "r"),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: "ERR_TERMINAL_UNKNOWN" }));
    }
  });

  test("cannot be given another's block by moving rows", () => {
    const [one, two] = [allocate(), allocate()];
    const sql =
      "UPDATE terminals SET sealed_block = (SELECT sealed_block FROM terminals WHERE serial = ?) WHERE serial = ?";
    changeByHand(folders, KEY_STORE_FILE, sql, two.serial, one.serial);
    expect(() => store.openBlock(one.serial)).toThrow(expect.objectContaining({ code: "ERR_SEAL_BROKEN" }));
  });
});

test("assignments follow one another without a gap, and tell whose a terminal was", () => {
  const { serial } = allocate();
  const [ada, eve] = ["Ada", "Eve"].map((name) => store.addPatient(tenant.id, name, 1).id) as [PatientId, PatientId];
  store.assign(serial, ada, 100, "first");
  store.assign(serial, eve, 200, "second");
  store.assign(serial, null, 300, "returned");
  expect(store.assignments(serial).map(({ patient, fromUnixMs, toUnixMs }) => [patient, fromUnixMs, toUnixMs])).toEqual(
    [
      [ada, 100, 200],
      [eve, 200, 300],
      [null, 300, null],
    ],
  );
  const owners = [99, 100, 199, 200, 299, 300, 9999].map((unixMs) => store.patientAt(serial, unixMs));
  expect(owners).toEqual([null, ada, ada, eve, eve, null, null]);
});

describe("recordings", () => {
  test("keep the key and the owner of their first call", () => {
    const { serial } = allocate();
    const ada = store.addPatient(tenant.id, "Ada", 1).id;
    const recording = recordingId();
    const first = store.obtainRecordingKey(recording, serial, ada, 500);
    expect(first).toMatchObject({ recording, tenant: tenant.id, terminal: serial, patient: ada, createdAtUnixMs: 500 });
    expect(store.obtainRecordingKey(recording, serial, null, 900)).toEqual(first);
    reopen();
    expect(store.findRecordingKey(recording)).toEqual(first);
    expect(store.recordingKeys()).toEqual([first]);
    for (const folder of folders) expect(bytesIn(folder).includes(first.dataKey)).toBe(false);
  });

  test("of another terminal are refused", () => {
    const [one, two] = [allocate(), allocate()];
    const recording = recordingId();
    store.obtainRecordingKey(recording, one.serial, null, 1);
    expect(() => store.obtainRecordingKey(recording, two.serial, null, 1)).toThrow(
      expect.objectContaining({ code: "ERR_RECORDING_UNKNOWN" }),
    );
  });

  test("do not open once their patient's key is gone, and nobody's open without one", () => {
    const { serial } = allocate();
    const ada = store.addPatient(tenant.id, "Ada", 1).id;
    const [hers, nobodys] = [recordingId(), recordingId()];
    store.obtainRecordingKey(hers, serial, ada, 1);
    const key = store.obtainRecordingKey(nobodys, serial, null, 1);
    changeByHand(folders, KEY_STORE_FILE, "UPDATE patients SET sealed_key = ? WHERE id = ?", systemRandom(80), ada);
    expect(() => store.findRecordingKey(hers)).toThrow(expect.objectContaining({ code: "ERR_SEAL_BROKEN" }));
    expect(store.findRecordingKey(nobodys)).toEqual(key);
  });
});

const link = (expiresAtUnixMs = 2000) =>
  store.createSignInLink(store.addAccount(tenant.id, "clinician", "clinician").id, expiresAtUnixMs);

describe("a sign-in link", () => {
  test("is used once, by its account, before it expires", () => {
    const token = link();
    expect(store.redeemSignInLink(token, 1999)).toMatchObject({ name: "clinician", tenant: tenant.id });
    expect(() => store.redeemSignInLink(token, 1999)).toThrow(expect.objectContaining({ code: "ERR_SIGN_IN_LINK" }));
    const late = link();
    expect(() => store.redeemSignInLink(late, 2000)).toThrow(expect.objectContaining({ code: "ERR_SIGN_IN_LINK" }));
  });

  test("is kept as a hash alone", () => {
    const token = link();
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    for (const folder of folders) expect(bytesIn(folder).includes(token)).toBe(false);
  });

  test("that is wrong costs no write", () => {
    link();
    const before = filesAsText();
    for (const token of ["", "x", "A".repeat(43), "'; DROP TABLE accounts; --"]) {
      expect(() => store.redeemSignInLink(token, 1)).toThrow(expect.objectContaining({ code: "ERR_SIGN_IN_LINK" }));
    }
    expect(filesAsText()).toBe(before);
  });

  test("needs an account", () => {
    expect(() => store.createSignInLink("nobody", 1)).toThrow(expect.objectContaining({ code: "ERR_ACCOUNT_UNKNOWN" }));
  });
});

describe("a store whose rows were changed by other hands is refused", () => {
  const changes: readonly [string, string, (changed: KeyStore) => unknown][] = [
    ["a role", "UPDATE accounts SET role = 'administrator'", (changed) => changed.accounts()],
    ["a state", "UPDATE terminals SET state = 'trusted'", (changed) => changed.terminals(tenant.id)],
    ["a suite", "UPDATE terminals SET suite = 2", (changed) => changed.terminals(tenant.id)],
  ];

  test.each(changes)("in %s", (_, sql, read) => {
    allocate();
    store.addAccount(tenant.id, "clinician", "clinician");
    changeByHand(folders, KEY_STORE_FILE, sql);
    expect(() => read(store)).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_DAMAGED" }));
  });

  test("in its version", () => {
    store.close();
    for (const folder of folders) {
      const database = new DatabaseSync(join(folder, KEY_STORE_FILE));
      database.exec("UPDATE meta SET value = '99' WHERE name = 'version'");
      database.close();
    }
    expect(() => KeyStore.open(folders, kek, systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_KEYSTORE_FORMAT" }),
    );
    for (const folder of folders) {
      const database = new DatabaseSync(join(folder, KEY_STORE_FILE));
      database.exec("UPDATE meta SET value = '3' WHERE name = 'version'");
      database.close();
    }
    store = KeyStore.open(folders, kek, systemRandom);
  });
});
