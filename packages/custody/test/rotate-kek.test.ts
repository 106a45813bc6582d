/** Change of the key-encryption key: nothing is lost wherever it is interrupted. Source: docs/format.md §12.4. */
import { systemRandom } from "@pericard/crypto";
import type { TenantId, TerminalId } from "@pericard/protocol";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createInstallation, openInstallation, openKek, passphraseSecret } from "../src/installation.ts";
import { openKekAccess } from "../src/kek.ts";
import { settleKek, writeNextKek } from "../src/kek-file.ts";
import { KeyStore } from "../src/key-store.ts";
import { rotateKek } from "../src/rotate-kek.ts";
import { copyFolders, temporaryFolder } from "./support/folders.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const OLD = bytes("old passphrase");
const NEW = bytes("new passphrase");
const refuses = (code: string) => expect.objectContaining({ code });

/** What an installation holds, whoever opens it. */
interface Contents {
  readonly tenants: readonly unknown[];
  readonly blocks: readonly Uint8Array[];
  readonly rest: readonly unknown[];
}

let contents: Contents;
let folders: readonly string[];

function read(store: KeyStore): Contents {
  const tenants = store.tenants();
  const terminals = tenants.flatMap(({ id }) => store.terminals(id));
  return {
    tenants,
    blocks: terminals.map(({ serial }) => store.openBlock(serial)),
    rest: [
      tenants.map(({ id }) => store.patients(id)),
      store.recordingKeys(),
      store.serverKeys("hpke"),
      store.serverKeys("receipt"),
      store.obtainSequenceKey(0),
    ],
  };
}

function fill(store: KeyStore): void {
  for (const name of ["first", "second"]) {
    const tenant: TenantId = store.addTenant(name, false, 1).id;
    const patient = store.addPatient(tenant, "Ada", 1);
    const serials: TerminalId[] = [0, 1].map(() => store.allocateTerminal(tenant, systemRandom(960), 1).serial);
    store.assign(serials[0] as TerminalId, patient.id, 1, "test");
  }
  store.obtainSequenceKey(1);
}

const secretOf = (passphrase: Uint8Array) => passphraseSecret(passphrase);

function rotate(paths: readonly string[], from: Uint8Array, to: Uint8Array): number {
  const next = { kind: "passphrase", passphrase: to } as const;
  return rotateKek({ keyStore: paths, secret: secretOf(from), next, random: systemRandom }).rewrapped;
}

/** Copies the key folders as they are on disk. */
function copyOf(paths: readonly string[]): readonly string[] {
  const copies = copyFolders(paths.length);
  for (const [i, path] of paths.entries()) cpSync(path, copies[i] ?? "", { recursive: true });
  return copies;
}

/** Kept outside of the folders that are removed after each test. */
const kept = new Map<string, ReadonlyMap<string, Buffer>>();

function keep(name: string, paths: readonly string[]): void {
  for (const [i, path] of paths.entries()) {
    const files = readdirSync(path).map((file) => [file, readFileSync(join(path, file))] as const);
    kept.set(`${name}-${i}`, new Map(files));
  }
}

function put(name: string, index: number, path: string, wanted: (file: string) => boolean): void {
  mkdirSync(path, { recursive: true });
  for (const [file, content] of kept.get(`${name}-${index}`) ?? []) {
    if (wanted(file)) writeFileSync(join(path, file), content);
  }
}

beforeAll(() => {
  const paths = copyFolders(2);
  createInstallation({
    keyStore: paths,
    passphrase: OLD,
    rootFolderPath: join(temporaryFolder(), "root"),
    tenantName: "Tenant",
    synthetic: true,
    nowUnixMs: 5,
    random: systemRandom,
  });
  const { store } = openInstallation(paths, secretOf(OLD), systemRandom);
  fill(store);
  contents = read(store);
  store.close();
  keep("before", paths);
  const changed = copyOf(paths);
  rotate(changed, OLD, NEW);
  keep("after", changed);
});

beforeEach(() => {
  folders = copyFolders(2);
});

/** How far an interrupted change came, in the order of its steps. The last copy of the key store is committed first. */
const STEPS = [
  "nothing",
  "next file in folder 0",
  "next file in both folders",
  "rows in copy 1",
  "rows in both copies",
  "key file in folder 0, the next one there too",
  "key file in folder 0",
  "key file in both folders",
] as const;

const isDatabase = (file: string): boolean => file.startsWith("keys.sqlite");

function build(step: number): void {
  for (const [i, path] of folders.entries()) {
    const rowsAt = i === 1 ? 3 : 4;
    put(step >= rowsAt ? "after" : "before", i, path, isDatabase);
    const keyAt = i === 0 ? 5 : 7;
    put(step >= keyAt ? "after" : "before", i, path, (file) => file === "kek.sealed");
    const hasNext = i === 0 ? step >= 1 && step <= 5 : step >= 2 && step <= 6;
    const next = kept.get(`after-${i}`)?.get("kek.sealed");
    if (hasNext && next) writeFileSync(join(path, "kek-next.sealed"), next);
  }
}

function expectWhole(passphrase: Uint8Array): void {
  const { store } = openInstallation(folders, secretOf(passphrase), systemRandom);
  expect(read(store)).toEqual(contents);
  store.close();
}

describe("a change of the key-encryption key", () => {
  test("keeps everything, and seals nothing but keys anew", () => {
    build(0);
    // Two server keys, three tenants, one sequence.
    expect(rotate(folders, OLD, NEW)).toBe(6);
    expectWhole(NEW);
    expect(() => openKek(folders, secretOf(OLD), systemRandom)).toThrow(refuses("ERR_KEK_PASSPHRASE"));
    for (const folder of folders) expect(existsSync(join(folder, "kek-next.sealed"))).toBe(false);
  });

  test.each(STEPS.map((step, i) => [step, i] as const))(
    "that came to: %s, opens with everything, and can be done again",
    (_, i) => {
      build(i);
      const isChanged = i >= 3;
      const [right, wrong] = isChanged ? [NEW, OLD] : [OLD, NEW];
      expect(() => openKek(folders, secretOf(wrong), systemRandom)).toThrow(refuses("ERR_KEK_PASSPHRASE"));
      expectWhole(right);
      if (isChanged) for (const folder of folders) expect(existsSync(join(folder, "kek-next.sealed"))).toBe(false);
      const third = bytes("third");
      rotate(folders, right, third);
      expectWhole(third);
    },
  );

  test.each([0, 1])("that lost folder %i at any step opens from the other", (lost) => {
    for (const step of STEPS.keys()) {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      build(step);
      rmSync(folders[lost] ?? "", { recursive: true });
      const isChanged = lost === 0 ? step >= 3 : step >= 4;
      expectWhole(isChanged ? NEW : OLD);
    }
  });

  test("with the same passphrase is told apart by the key store", () => {
    build(0);
    const { store } = openInstallation(folders, secretOf(OLD), systemRandom);
    store.close();
    const present = readFileSync(join(folders[0] ?? "", "kek.sealed"));
    rotate(folders, OLD, OLD);
    expectWhole(OLD);
    const next = readFileSync(join(folders[0] ?? "", "kek.sealed"));
    expect(next).not.toEqual(present);
    // As if the last step had come to neither folder.
    for (const folder of folders) {
      writeFileSync(join(folder, "kek.sealed"), present);
      writeFileSync(join(folder, "kek-next.sealed"), next);
    }
    expectWhole(OLD);
    expect(readFileSync(join(folders[1] ?? "", "kek.sealed"))).toEqual(next);
  });

  test("may be settled twice", () => {
    build(4);
    const next = new Uint8Array(readFileSync(join(folders[0] ?? "", "kek-next.sealed")));
    settleKek(folders, next);
    settleKek(folders, next);
    expectWhole(NEW);
    writeNextKek(folders, next);
    expectWhole(NEW);
  });

  test("stops whoever had the store open from sealing under the old key", () => {
    build(0);
    const stale = KeyStore.open(folders, openKek(folders, secretOf(OLD), systemRandom), systemRandom);
    rotate(folders, OLD, NEW);
    expect(() => stale.addTenant("late", false, 9)).toThrow(refuses("ERR_KEK_CHANGED"));
    expect(() => stale.rewrap(systemRandom(32))).toThrow();
    stale.close();
    expectWhole(NEW);
  });

  test("leaves nothing that the old key opens", () => {
    build(0);
    const old = openKek(folders, secretOf(OLD), systemRandom);
    rotate(folders, OLD, NEW);
    const store = KeyStore.open(folders, old, systemRandom);
    for (const work of [
      () => store.serverKeys("hpke"),
      () => store.patients(store.tenants()[0]?.id as TenantId),
      () => store.obtainSequenceKey(0),
    ]) {
      expect(work).toThrow(refuses("ERR_SEAL_BROKEN"));
    }
    store.close();
    openKekAccess(old, systemRandom).close();
  });
});
