/** kill -9 while the factory draws its master key sequence, and while the key-encryption key is changed. */
import { sha256, systemRandom } from "@pericard/crypto";
import { openInstallation, passphraseSecret, readPassphraseFile } from "@pericard/custody";
import { openSequence } from "@pericard/factory";
import { openDiskFolder } from "@pericard/framelog";
import { toHex } from "@pericard/protocol";
import { configOf, findSettings, keyFolderPaths } from "@pericard/server";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Program } from "../src/crash/program.ts";
import { demoPaths, openDemo, prepareTerminal, type DemoPaths } from "../src/demo/installation.ts";

const KILLS = Number(process.env["PERICARD_KILLS"] ?? 12);
/** Two whole files of the sequence and a shorter one. */
const BLOCKS = 150_000;

let paths: DemoPaths;
beforeEach(() => {
  paths = demoPaths(mkdtempSync(join(tmpdir(), "pericard-factory-kill-")));
  openDemo(paths).store.close();
});
afterEach(() => rmSync(paths.root, { recursive: true, force: true }));

const keyFolders = () => {
  const settings = findSettings(paths.server);
  if (!settings) throw new TypeError("demo has no settings");
  return keyFolderPaths(configOf(paths.server, settings, undefined));
};

function openStore(passphraseFile: string) {
  const passphrase = readPassphraseFile(passphraseFile, paths.server);
  return openInstallation(keyFolders(), passphraseSecret(passphrase), systemRandom).store;
}

const run = (args: readonly string[], passphraseFile = paths.passphraseFile): Program =>
  new Program({ args: [...args, "--data", paths.server, "--passphrase-file", passphraseFile, "--json"] });

/** Name and hash of each file of the sequence that is in place. */
function sequenceFiles(): ReadonlyMap<string, string> {
  const folder = join(paths.server, "factory");
  try {
    const names = readdirSync(folder).filter((name) => /^blocks-\d+\.sealed$/.test(name));
    return new Map(names.map((name) => [name, toHex(sha256(readFileSync(join(folder, name))))]));
  } catch {
    return new Map();
  }
}

/** Waits until the drawing is at work, so that kills do not all fall into the start of the process. */
async function untilDrawing(program: Program): Promise<void> {
  const begun = performance.now();
  while (program.running && performance.now() - begun < 10_000) {
    const isDrawing = sequenceTemporaryBytes() > 0;
    if (isDrawing) return;
    await sleep(2);
  }
}

function sequenceTemporaryBytes(): number {
  try {
    const folder = join(paths.server, "factory");
    const names = readdirSync(folder).filter((name) => name.endsWith(".sealed.tmp"));
    return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  } catch {
    return 0;
  }
}

test("a killed drawing keeps every block that was durable, draws none again, and is finished by the next", async () => {
  let durable = sequenceFiles();
  let cutInAFile = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const program = run(["factory", "init", "--terminals", String(BLOCKS)]);
    await untilDrawing(program);
    await sleep(Math.random() * 60);
    await program.kill();
    if (sequenceTemporaryBytes() > 0) cutInAFile += 1;
    const now = sequenceFiles();
    for (const [name, hash] of durable) expect(now.get(name)).toBe(hash);
    durable = now;
    if (durable.size === 3) {
      rmSync(join(paths.server, "factory"), { recursive: true });
      durable = new Map();
    }
  }
  expect(cutInAFile).toBeGreaterThan(0);
  const last = run(["factory", "init", "--terminals", String(BLOCKS)]);
  expect(await last.ready).toMatchObject({ firstIndex: 0, blocks: BLOCKS });
  await last.ended;
  for (const [name, hash] of durable) expect(sequenceFiles().get(name)).toBe(hash);
  const store = openStore(paths.passphraseFile);
  const sequenceFolder = openDiskFolder(join(paths.server, "factory"));
  const sequence = openSequence({ store, sequenceFolder, random: systemRandom, nowUnixMs: Date.now });
  const firstKeys = new Set(sequence.readBlocks(0, BLOCKS).map(({ block }) => toHex(block.subarray(0, 8))));
  expect(firstKeys.size).toBe(BLOCKS);
  store.close();
});

test("a killed change of the key-encryption key leaves everything readable under one of both passphrases", async () => {
  const store = openStore(paths.passphraseFile);
  prepareTerminal(paths, store, 1, "http://127.0.0.1:1");
  const [tenant] = store.tenants();
  if (!tenant) throw new TypeError("demo has no tenant");
  const [terminal] = store.terminals(tenant.id);
  if (!terminal) throw new TypeError("demo has no terminal");
  const block = store.openBlock(terminal.serial);
  store.close();
  const files = ["even", "odd"].map((name) => join(paths.root, name));
  for (const file of files) writeFileSync(file, `${file}\n`);
  let present = paths.passphraseFile;
  let changed = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const next = files[kill % 2] ?? "";
    const program = run(["keys", "rotate-kek", "--new-passphrase-file", next], present);
    await Promise.race([program.ended, sleep(200 + Math.random() * 1500)]);
    await program.kill();
    const candidates = [present, next].flatMap((file) => {
      try {
        const opened = openStore(file);
        expect(opened.openBlock(terminal.serial)).toEqual(block);
        expect(opened.patients(tenant.id)).toHaveLength(1);
        opened.close();
        return [file];
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_KEK_PASSPHRASE" });
        return [];
      }
    });
    expect(candidates).toHaveLength(present === next ? 2 : 1);
    if (candidates[0] !== present) changed += 1;
    present = candidates[0] ?? present;
  }
  const last = run(["keys", "rotate-kek"], present);
  expect(await last.ready).toMatchObject({ custody: "passphrase" });
  await last.ended;
  openStore(present).close();
  process.stderr.write(`key-encryption key: ${changed} of ${KILLS} killed changes had come to their commit\n`);
});
