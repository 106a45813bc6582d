/** The key store over a real PostgreSQL, and an installation on it. */
import { systemRandom } from "@pericard/crypto";
import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createInstallation, openInstallation, openKek, passphraseSecret } from "../src/installation.ts";
import { isInstalled, type SharedKeyStore } from "../src/key-store-place.ts";
import { rotateKek } from "../src/rotate-kek.ts";
import { keyStoreContract } from "./contract/key-store.ts";
import { temporaryFolder } from "./support/folders.ts";
import { describeWithPostgresql, newDatabase, placeOf } from "./support/postgresql.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const secret = passphraseSecret(bytes("passphrase"));
const refuses = (code: string) => expect.objectContaining({ code });

const plan = (keyStore: SharedKeyStore) => ({
  keyStore,
  passphrase: bytes("passphrase"),
  rootFolderPath: join(temporaryFolder(), "root"),
  tenantName: "Tenant",
  synthetic: false,
  nowUnixMs: 5,
  random: systemRandom,
});

describeWithPostgresql("postgresql", (service) => {
  const newPlace = (): SharedKeyStore => ({
    ...placeOf(service, newDatabase(service)),
    kekFolderPath: join(temporaryFolder(), "keys"),
  });

  describe("a key store", () => {
    keyStoreContract(newPlace);
  });

  describe("an installation", () => {
    test("is set up once, and opened by each server that has the file of the key-encryption key", () => {
      const first = newPlace();
      expect(isInstalled(first)).toBe(false);
      const { tenant } = createInstallation(plan(first));
      expect(isInstalled(first)).toBe(true);
      expect(readdirSync(first.kekFolderPath)).toEqual(["kek.sealed"]);
      const second = { ...first, kekFolderPath: join(temporaryFolder(), "keys") };
      expect(() => createInstallation(plan(second))).toThrow(refuses("ERR_KEYSTORE_EXISTS"));
      expect(() => openKek(second, secret, systemRandom)).toThrow(refuses("ERR_KEYSTORE_MISSING"));
      cpSync(first.kekFolderPath, second.kekFolderPath, { recursive: true });
      const { store } = openInstallation(second, secret, systemRandom);
      expect(store.tenants()).toEqual([tenant]);
      store.close();
    });

    test("has its key-encryption key changed like any other", () => {
      const place = newPlace();
      createInstallation(plan(place));
      const next = { kind: "passphrase", passphrase: bytes("next") } as const;
      expect(rotateKek({ keyStore: place, secret, next, random: systemRandom }).rewrapped).toBe(3);
      expect(() => openKek(place, secret, systemRandom)).toThrow(refuses("ERR_KEK_PASSPHRASE"));
      const { store } = openInstallation(place, passphraseSecret(bytes("next")), systemRandom);
      expect(store.tenants()).toHaveLength(1);
      store.close();
      expect(existsSync(join(place.kekFolderPath, "kek-next.sealed"))).toBe(false);
    });
  });
});
