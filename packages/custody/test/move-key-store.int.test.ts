/** A key store that goes from folders to PostgreSQL. */
import { systemRandom } from "@pericard/crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createInstallation, openInstallation, passphraseSecret } from "../src/installation.ts";
import type { SharedKeyStore } from "../src/key-store-place.ts";
import { moveKeyStore } from "../src/move-key-store.ts";
import { contentsOf, copyFolders, temporaryFolder } from "./support/folders.ts";
import { describeWithPostgresql, newDatabase, placeOf } from "./support/postgresql.ts";

const BEGIN = 1_800_000_000_000;
const passphrase = new TextEncoder().encode("passphrase");
const secret = passphraseSecret(passphrase);
const refuses = (code: string) => expect.objectContaining({ code });
const nothing = (): void => undefined;

/** An installation in two folders, with something in most tables. */
function makeFolders(terminalCount = 3): readonly string[] {
  const keyStore = copyFolders(2);
  const rootFolderPath = join(temporaryFolder(), "root");
  createInstallation({
    keyStore,
    passphrase,
    rootFolderPath,
    tenantName: "Tenant",
    synthetic: true,
    nowUnixMs: BEGIN,
    random: systemRandom,
  });
  const { store } = openInstallation(keyStore, secret, systemRandom);
  const [tenant] = store.tenants();
  if (!tenant) throw new Error("no tenant");
  const blocks = Array.from({ length: terminalCount }, (_, index) => ({ index, block: systemRandom(960) }));
  const terminals = store.allocateTerminals(tenant.id, blocks, BEGIN);
  const patient = store.addPatient(tenant.id, "Ada", BEGIN);
  for (const { serial } of terminals) store.assign(serial, patient.id, BEGIN, "test");
  store.addAccount(tenant.id, "Clinician", "clinician");
  store.close();
  return keyStore;
}

/** What a copy holds of keys and their holders. */
const holdings = (folder: string): string => {
  const tables = JSON.parse(contentsOf(join(folder, "keys.sqlite"))) as readonly [string, unknown][];
  return JSON.stringify(tables.filter(([name]) => name !== "meta" && !name.startsWith("copy_")));
};

describeWithPostgresql("a key store in folders", (service) => {
  const newPlace = (): SharedKeyStore => ({
    ...placeOf(service, newDatabase(service)),
    kekFolderPath: join(temporaryFolder(), "keys"),
  });

  test("is in the database afterwards, row for row, and goes on there; the folders stay as they were", () => {
    const [folders, place] = [makeFolders(1200), newPlace()];
    const contents = (): readonly string[] => folders.map(holdings);
    const asTheyWere = contents();
    const before = openInstallation(folders, secret, systemRandom).store;
    const [tenant] = before.tenants();
    const serials = before.terminals(tenant?.id as never).map(({ serial }) => serial);
    const moved = moveKeyStore(folders, place, "a move", nothing);
    expect(moved).toContainEqual({ name: "terminals", rows: 1200 });
    expect(moved).toContainEqual({ name: "assignments", rows: 1200 });
    const after = openInstallation(place, secret, systemRandom).store;
    expect(after.terminals(tenant?.id as never).map(({ serial }) => serial)).toEqual(serials);
    for (const serial of serials.slice(0, 3)) expect(after.openBlock(serial)).toEqual(before.openBlock(serial));
    expect(after.rootPublicKey).toEqual(before.rootPublicKey);
    expect(after.patients(tenant?.id as never)).toEqual(before.patients(tenant?.id as never));
    // Numbers that the database draws do not meet those that were moved.
    const [first] = serials;
    if (!first) throw new Error("no terminal");
    after.assign(first, null, BEGIN + 1, "after the move");
    expect(after.assignments(first)).toHaveLength(before.assignments(first).length + 1);
    before.close();
    after.close();
    expect(contents()).toEqual(asTheyWere);
  });

  test("is moved again by the same move, and by no other", () => {
    const [folders, place] = [makeFolders(), newPlace()];
    const stopped = new Error("stopped before the switch");
    expect(() =>
      moveKeyStore(folders, place, "a move", () => {
        throw stopped;
      }),
    ).toThrow();
    const { store } = openInstallation(folders, secret, systemRandom);
    const [tenant] = store.tenants();
    store.addPatient(tenant?.id as never, "Grace", BEGIN);
    store.close();
    expect(() => moveKeyStore(folders, place, "another move", nothing)).toThrow(refuses("ERR_KEYSTORE_EXISTS"));
    expect(moveKeyStore(folders, place, "a move", nothing)).toContainEqual({ name: "patients", rows: 2 });
  });

  test("keeps every writer out until the move is over", () => {
    const [folders, place] = [makeFolders(), newPlace()];
    const { store } = openInstallation(folders, secret, systemRandom);
    const [tenant] = store.tenants();
    let refused: unknown;
    moveKeyStore(folders, place, "a move", () => {
      try {
        store.addPatient(tenant?.id as never, "Grace", BEGIN);
      } catch (error) {
        refused = error;
      }
    });
    expect(refused).toEqual(refuses("ERR_KEYSTORE_COPY"));
    store.close();
  });
});
