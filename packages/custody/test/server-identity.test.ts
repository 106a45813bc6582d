/** Change and destruction of the server's keys. Source: docs/keys.md, "The server's keys"; docs/format.md §7.6. */
import { ed25519Public, systemRandom, verifyMessage } from "@pericard/crypto";
import { KeyStatement, parseSigned, toHex } from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KeyStore } from "../src/key-store.ts";
import { KEY_STORE_FILE } from "../src/schema.ts";
import { RETIRED_HPKE_MS } from "../src/server-identity.ts";
import { drawRootKey, openRootKey, sealRootKey, type RootKey } from "../src/server-keys.ts";
import { bytesIn, copyFolders } from "./support/folders.ts";

const BEGIN = 1_800_000_000_000;
const LATER = BEGIN + 1000;
const refuses = (code: string) => expect.objectContaining({ code });

let folders: readonly string[];
let kek: Uint8Array;
let root: RootKey;
let store: KeyStore;

beforeEach(() => {
  folders = copyFolders(2);
  kek = systemRandom(32);
  ({ store, root } = KeyStore.create(folders, kek, BEGIN, systemRandom));
});
afterEach(() => store.close());

const states = (): readonly string[] =>
  store.identity.records().map(({ purpose, version, state }) => `${purpose} ${version} ${state}`);

/** Sealed private halves as they lie in a copy. */
function sealedPrivate(keyId: string, folder = folders[0] ?? ""): Uint8Array {
  const database = new DatabaseSync(join(folder, KEY_STORE_FILE), { readOnly: true });
  const value = database.prepare("SELECT sealed_private AS v FROM server_keys WHERE key_id = ?").get(keyId)?.["v"];
  database.close();
  return new Uint8Array(value as Uint8Array);
}

describe("the next key of a purpose", () => {
  test.each(["hpke", "receipt"] as const)("%s is vouched for by the root, one version higher", (purpose) => {
    const [before] = store.serverKeys(purpose);
    const key = store.identity.rotate(root, purpose, LATER);
    expect(store.serverKeys(purpose)[0]).toEqual(key);
    expect(key.keyId).not.toBe(before?.keyId);
    const parsed = parseSigned(key.statement);
    verifyMessage(ed25519Public(root.publicBytes), parsed);
    expect(KeyStatement.decode(parsed.payload)).toMatchObject({
      version: 2,
      purpose,
      publicKey: key.publicBytes,
      notBeforeUnixMs: LATER,
    });
  });

  test("leaves the other purpose as it is", () => {
    store.identity.rotate(root, "hpke", LATER);
    expect(states()).toEqual(["hpke 2 current", "hpke 1 retired", "receipt 1 current"]);
  });

  test("is as high as is asked for, when terminals may know more than a restored store", () => {
    expect(store.identity.rotate(root, "hpke", LATER, 7).version).toBe(7);
    expect(store.identity.rotate(root, "hpke", LATER, 3).version).toBe(8);
    expect(() => store.identity.rotate(root, "hpke", LATER, 2 ** 32)).toThrow(refuses("ERR_SERVER_KEY_VERSION"));
  });

  test("is refused to another root, and to a clock that stands before the present key", () => {
    expect(() => store.identity.rotate(drawRootKey(systemRandom), "hpke", LATER)).toThrow(refuses("ERR_ROOT_KEY"));
    expect(() => store.identity.rotate(root, "hpke", BEGIN - 1)).toThrow(refuses("ERR_SERVER_KEY_TIME"));
    expect(states()).toEqual(["hpke 1 current", "receipt 1 current"]);
  });

  test("of two processes at once is one's alone", () => {
    const other = KeyStore.open(folders, kek, systemRandom);
    const late = other.identity;
    const read = late.records.bind(late);
    // The other process reads, is overtaken, and goes on.
    late.records = () => {
      const seen = read();
      store.identity.rotate(root, "hpke", LATER);
      return seen;
    };
    expect(() => late.rotate(root, "hpke", LATER)).toThrow(refuses("ERR_SERVER_KEY_VERSION"));
    other.close();
    expect(states()).toEqual(["hpke 2 current", "hpke 1 retired", "receipt 1 current"]);
  });
});

describe("a retired hpke key", () => {
  test("opens for 90 days, and is then overwritten in every copy and its log", () => {
    const [first] = store.serverKeys("hpke");
    const keyId = first?.keyId ?? "";
    const sealed = sealedPrivate(keyId);
    store.identity.rotate(root, "hpke", LATER);
    const record = store.identity.records().find((one) => one.keyId === keyId);
    expect(record).toMatchObject({ state: "retired", opensUntilUnixMs: LATER + RETIRED_HPKE_MS });
    expect(store.identity.destroyRetired(LATER + RETIRED_HPKE_MS - 1)).toEqual([]);
    expect(store.serverKeys("hpke").map(({ version }) => version)).toEqual([2, 1]);
    expect(store.identity.destroyRetired(LATER + RETIRED_HPKE_MS)).toMatchObject([{ keyId, version: 1 }]);
    expect(store.serverKeys("hpke").map(({ version }) => version)).toEqual([2]);
    expect(states()).toEqual(["hpke 2 current", "hpke 1 destroyed", "receipt 1 current"]);
    for (const folder of folders) expect(bytesIn(folder).includes(sealed)).toBe(false);
    expect(store.identity.destroyRetired(LATER + 2 * RETIRED_HPKE_MS)).toEqual([]);
  });

  test("is counted from its own successor, however many follow", () => {
    store.identity.rotate(root, "hpke", LATER);
    store.identity.rotate(root, "hpke", LATER + RETIRED_HPKE_MS - 1);
    expect(store.identity.destroyRetired(LATER + RETIRED_HPKE_MS).map(({ version }) => version)).toEqual([1]);
    expect(states()).toEqual(["hpke 3 current", "hpke 2 retired", "hpke 1 destroyed", "receipt 1 current"]);
  });

  test("the newest is never destroyed", () => {
    expect(store.identity.destroyRetired(Number.MAX_SAFE_INTEGER)).toEqual([]);
    expect(states()).toEqual(["hpke 1 current", "receipt 1 current"]);
  });
});

test("a receipt key is overwritten when the next one comes; its public half stays", () => {
  const [first] = store.serverKeys("receipt");
  const keyId = first?.keyId ?? "";
  const sealed = sealedPrivate(keyId);
  store.identity.rotate(root, "receipt", LATER);
  expect(store.serverKeys("receipt").map(({ version }) => version)).toEqual([2]);
  expect(states()).toEqual(["hpke 1 current", "receipt 2 current", "receipt 1 destroyed"]);
  expect(store.identity.records().at(-1)?.publicBytes).toEqual(first?.publicBytes);
  for (const folder of folders) {
    expect(sealedPrivate(keyId, folder)).toHaveLength(0);
    expect(bytesIn(folder).includes(sealed)).toBe(false);
  }
});

test("a change of the key-encryption key leaves destroyed keys destroyed", () => {
  store.identity.rotate(root, "receipt", LATER);
  const newest = store.serverKeys("receipt")[0];
  const next = systemRandom(32);
  expect(store.rewrap(next)).toBe(2);
  store.close();
  store = KeyStore.open(folders, next, systemRandom);
  expect(store.serverKeys("receipt")).toEqual([newest]);
  expect(states()).toEqual(["hpke 1 current", "receipt 2 current", "receipt 1 destroyed"]);
});

describe("the root key's file", () => {
  const passphrase = new TextEncoder().encode("root passphrase");

  test("opens under its passphrase alone", () => {
    const file = sealRootKey(root, passphrase, systemRandom);
    expect(toHex(openRootKey(passphrase, file).publicBytes)).toBe(toHex(root.publicBytes));
    expect(() => openRootKey(new TextEncoder().encode("another"), file)).toThrow(refuses("ERR_ROOT_KEY_PASSPHRASE"));
    expect(() => openRootKey(passphrase, file.subarray(0, 40))).toThrow(refuses("ERR_ROOT_KEY"));
  });
});
