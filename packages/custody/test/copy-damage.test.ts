/** One flipped bit in one of two copies: nothing wrong is read, nothing fails, and the copy is named and made anew. */
import { systemRandom } from "@pericard/crypto";
import { RecordingId } from "@pericard/protocol";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CheckPosition, CopyDamage } from "../src/key-database.ts";
import { KeyStore } from "../src/key-store.ts";
import { KEY_STORE_FILE } from "../src/schema.ts";
import { contentsOf, copyFolders } from "./support/folders.ts";

const kek = systemRandom(32);
const FLIPS = Number(process.env["PERICARD_FLIPS"] ?? 120);
const SEED = Number(process.env["PERICARD_SEED"] ?? 20_180_601);

/** Numbers below `limit`, drawn from a seed. Source: Numerical Recipes' linear congruential generator. */
function* drawn(seed: number, limit: number): Generator<number, never> {
  for (let state = seed >>> 0; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield Math.floor((state / 2 ** 32) * limit);
  }
}

function fill(folders: readonly string[]): void {
  const { store } = KeyStore.create(folders, kek, 1, systemRandom);
  const tenant = store.addTenant("Tenant", false, 1).id;
  for (let i = 0; i < 8; i += 1) {
    const { serial } = store.allocateTerminal(tenant, systemRandom(960), i);
    const patient = store.addPatient(tenant, `Patient ${i}`, i).id;
    store.assign(serial, patient, i, "handed out");
    store.obtainRecordingKey(RecordingId.fromBytes(systemRandom(16)), serial, patient, i);
  }
  store.addAccount(tenant, "clinician", "clinician");
  store.close();
}

/** Everything that the store tells. */
function readAll(store: KeyStore): unknown {
  const tenants = store.tenants();
  return tenants.map(({ id }) => {
    const terminals = store.terminals(id);
    const blocks = terminals.map(({ serial, routing }) => [
      store.openBlock(serial),
      store.assignments(serial),
      store.findTerminalByRouting(routing),
      store.keyLife(serial),
    ]);
    return [tenants, store.patients(id), terminals, blocks, store.recordingKeys(), store.accounts(), serverKeys(store)];
  });
}

const serverKeys = (store: KeyStore): unknown => [
  store.serverKeys("hpke"),
  store.serverKeys("receipt"),
  store.rootPublicKey,
];

function walk(store: KeyStore): readonly CopyDamage[] {
  let position: CheckPosition | undefined;
  do position = store.check(position);
  while (position);
  return store.takeDamages();
}

/** What a file says; undefined when it cannot be read. */
function tryContents(path: string): string | undefined {
  try {
    return contentsOf(path);
  } catch {
    return undefined;
  }
}

test(`wherever it is, of ${FLIPS} places drawn from seed ${SEED}`, { timeout: 1_200_000 }, () => {
  const folders = copyFolders(2);
  fill(folders);
  const paths = folders.map((folder) => join(folder, KEY_STORE_FILE));
  const whole = paths.map((path) => readFileSync(path));
  const first = KeyStore.open(folders, kek, systemRandom);
  const truth = readAll(first);
  first.close();
  const contents = contentsOf(paths[0] ?? "");
  // Most of a small store is empty pages, in which a bit says nothing.
  const written = [...(whole[0] ?? [])].flatMap((byte, at) => (byte === 0 ? [] : [at]));
  const places = drawn(SEED, written.length * 8);
  let mattering = 0;
  let unnamed = 0;
  for (let i = 0; i < FLIPS; i += 1) {
    const place = places.next().value;
    const bit = (written[place >> 3] ?? 0) * 8 + (place & 7);
    const damaged = i % 2;
    for (const [copy, folder] of folders.entries()) {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      const bytes = Buffer.from(whole[copy] ?? "");
      if (copy === damaged) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(paths[copy] ?? "", bytes);
    }
    const matters = tryContents(paths[damaged] ?? "") !== contents;
    const store = KeyStore.open(folders, kek, systemRandom);
    expect([bit, readAll(store)]).toEqual([bit, truth]);
    const damages = walk(store);
    expect([bit, readAll(store)]).toEqual([bit, truth]);
    store.close();
    mattering += Number(matters);
    unnamed += Number(matters && damages.length === 0);
    for (const { folder, isHealed } of damages) expect([folder, isHealed]).toEqual([folders[damaged], true]);
    expect(new Set(paths.map(contentsOf)).size).toBe(1);
  }
  expect(mattering).toBeGreaterThan(FLIPS / 4);
  // Open: about one in two hundred is healed while the store is opened and told to nobody.
  expect(unnamed).toBeLessThan(FLIPS / 20);
});
