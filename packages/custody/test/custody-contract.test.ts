/** One contract for every custody of the key-encryption key: passphrase and PKCS#11 token. */
import { systemRandom } from "@pericard/crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createInstallation, openInstallation, openKek, passphraseSecret } from "../src/installation.ts";
import { openKekAccess, type Kek, type KekAccess } from "../src/kek.ts";
import type { KekSecret } from "../src/kek-file.ts";
import { createTokenKey, openTokenKek, type TokenDoor } from "../src/kek-token.ts";
import { CK, ignoring, loadLibrary } from "../src/pkcs11-library.ts";
import { rotateKek } from "../src/rotate-kek.ts";
import { bytesIn, copyFolders, temporaryFolder } from "./support/folders.ts";
import { createToken, describeWithSofthsm } from "./support/softhsm.ts";

const passphrase = new TextEncoder().encode("correct horse battery staple");
const PIN = "4711-pin";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const refuses = (code: string) => expect.objectContaining({ code });

let tokenRoot = "";
let door: TokenDoor;

/** An installation whose key lies in one custody, and what opens it. */
interface Custody {
  readonly folders: readonly string[];
  readonly secret: KekSecret;
}

function underPassphrase(): Custody {
  const folders = copyFolders(2);
  createInstallation({
    keyStore: folders,
    passphrase,
    rootFolderPath: join(temporaryFolder(), "root"),
    tenantName: "Tenant",
    synthetic: true,
    nowUnixMs: 5,
    random: systemRandom,
  });
  return { folders, secret: passphraseSecret(passphrase) };
}

function inToken(): Custody {
  const { folders, secret } = underPassphrase();
  rotateKek({ keyStore: folders, secret, next: { kind: "token", door }, random: systemRandom });
  return { folders, secret: { secret: door.pin, modulePath: door.modulePath } };
}

function contract(make: () => Custody): void {
  let custody: Custody;
  let access: KekAccess;
  let kek: Kek;
  beforeEach(() => {
    custody = make();
    access = openKek(custody.folders, custody.secret, systemRandom);
    kek = openKekAccess(access, systemRandom);
    return () => kek.close();
  });
  const context = ["tenant", bytes("sixteen bytes id")] as const;

  test("opens what it sealed for the same context, and nothing else", () => {
    for (const size of [1, 32, 960]) {
      const plain = systemRandom(size);
      const sealed = kek.seal(context, plain);
      expect(kek.open(context, sealed)).toEqual(plain);
      expect(kek.seal(context, plain)).not.toEqual(sealed);
      for (const other of [["tenant", bytes("another tenant's")] as const, ["server-key", context[1]] as const]) {
        expect(() => kek.open(other, sealed)).toThrow(refuses("ERR_SEAL_BROKEN"));
      }
    }
  });

  test("refuses every changed, missing and added byte", () => {
    const sealed = kek.seal(context, systemRandom(32));
    for (const at of sealed.keys()) {
      const changed = sealed.map((byte, i) => (i === at ? byte ^ 0x10 : byte));
      expect(() => kek.open(context, changed)).toThrow(refuses("ERR_SEAL_BROKEN"));
    }
    for (const wrong of [sealed.slice(0, -1), sealed.slice(1), new Uint8Array([...sealed, 0]), new Uint8Array(0)]) {
      expect(() => kek.open(context, wrong)).toThrow(refuses("ERR_SEAL_BROKEN"));
    }
    expect(kek.open(context, sealed)).toHaveLength(32);
  });

  test("is the same key after it is opened again, and when it was handed to a thread", () => {
    const sealed = kek.seal(context, bytes("secret"));
    for (const again of [openKek(custody.folders, custody.secret, systemRandom), structuredClone(access)]) {
      const opened = openKekAccess(again, systemRandom);
      expect(opened.open(context, sealed)).toEqual(bytes("secret"));
      opened.close();
    }
  });

  test("is refused under another secret", () => {
    // A token asks a process for the PIN as long as it has no session open.
    kek.close();
    const wrong = { ...custody.secret, secret: bytes("another") };
    expect(() => openKek(custody.folders, wrong, systemRandom)).toThrow(refuses("ERR_KEK_PASSPHRASE"));
    kek = openKekAccess(access, systemRandom);
  });

  test("opens an installation's whole key store, and its secret is in no file", () => {
    const { store } = openInstallation(custody.folders, custody.secret, systemRandom);
    const [tenant] = store.tenants();
    if (!tenant) throw new Error("tenant is missing");
    const patient = store.addPatient(tenant.id, "Ada", 5);
    expect(store.patients(tenant.id)).toEqual([patient]);
    expect(store.serverKeys("hpke")).toHaveLength(1);
    store.close();
    for (const folder of custody.folders) expect(bytesIn(folder).includes(custody.secret.secret)).toBe(false);
  });
}

describe("custody by passphrase", () => contract(underPassphrase));

describeWithSofthsm("custody by a PKCS#11 token", () => {
  beforeAll(() => {
    tokenRoot = mkdtempSync(join(tmpdir(), "pericard-token-"));
    door = createToken(tokenRoot, "pericard-test", PIN);
  });
  afterAll(() => rmSync(tokenRoot, { recursive: true, force: true }));

  contract(inToken);

  test("has a key that the token does not give, nor wraps anything under it", () => {
    const key = createTokenKey(door, systemRandom);
    const { library } = loadLibrary(door.modulePath);
    const slot = library
      .C_GetSlotList(true)
      .find((one) => library.C_GetTokenInfo(one).label.trimEnd() === door.tokenLabel);
    const session = library.C_OpenSession(slot as Buffer, CK.serialSession);
    ignoring(CK.alreadyLoggedIn, () => library.C_Login(session, CK.user, PIN));
    library.C_FindObjectsInit(session, [{ type: CK.attribute.id, value: Buffer.from(key.keyId) }]);
    const [object] = library.C_FindObjects(session, 1);
    library.C_FindObjectsFinal(session);
    const read = library as unknown as {
      C_GetAttributeValue(session: Buffer, object: Buffer, template: readonly { type: number }[]): { value: Buffer }[];
    };
    const CKA_VALUE = 0x11;
    expect(() => read.C_GetAttributeValue(session, object as Buffer, [{ type: CKA_VALUE }])).toThrow(/SENSITIVE/);
    const { sensitive, extractable, wrap } = CK.attribute;
    const flags = read.C_GetAttributeValue(session, object as Buffer, [
      { type: sensitive },
      { type: extractable },
      { type: wrap },
    ]);
    expect(flags.map(({ value }) => value[0])).toEqual([1, 0, 0]);
    library.C_CloseSession(session);
  });

  test("whose token, key or module is not there says so", () => {
    const key = createTokenKey(door, systemRandom);
    const wrong = [
      { ...key, tokenLabel: "another" },
      { ...key, keyId: systemRandom(16) },
      { ...key, modulePath: "/nowhere/module.so" },
    ];
    for (const one of wrong) expect(() => openTokenKek(one, systemRandom)).toThrow(refuses("ERR_KEK_TOKEN"));
  });

  test("does not load a module that only the data folder names", () => {
    const { folders, secret } = inToken();
    expect(() => openKek(folders, { ...secret, modulePath: undefined }, systemRandom)).toThrow(refuses("ERR_KEK_FILE"));
    for (const folder of folders) expect(bytesIn(folder).includes(door.modulePath)).toBe(false);
  });

  test("goes back to a passphrase", () => {
    const { folders, secret } = inToken();
    const next = { kind: "passphrase", passphrase: bytes("new one") } as const;
    rotateKek({ keyStore: folders, secret, next, random: systemRandom });
    const { store } = openInstallation(folders, passphraseSecret(bytes("new one")), systemRandom);
    expect(store.tenants()).toHaveLength(1);
    expect(store.serverKeys("receipt")).toHaveLength(1);
    store.close();
  });
});
