/**
 * A journal that was off the network while both keys of the server were changed, and the old one destroyed, arrives whole: by
 * real processes, through a gateway. Source: docs/keys.md, "The server's keys"; docs/format.md §7.12.
 */
import { openDiskFolder } from "@pericard/framelog";
import { readProvision } from "@pericard/trsm";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Site } from "../src/crash/site.ts";

const DAY_MS = 24 * 3600 * 1000;
const HOURS = 0.01;
const FRAME_COUNT = HOURS * 3600 * 500;

let site: Site;
let folder: string;
let other: string;

beforeAll(async () => {
  site = await Site.open();
  [folder, other] = [site.deploy(1), site.deploy(2)];
  for (const path of [folder, other]) {
    const source = ["--synthetic", "--hours", String(HOURS), "--no-upload", "--json"];
    await site.spawn(["terminal", "record", "--data", path, ...source]).success();
  }
  await site.startAll();
}, 120_000);
afterAll(() => site.remove());

async function told(...args: readonly string[]): Promise<Record<string, unknown>> {
  const program = site.spawn([...args, "--json"]);
  await program.success();
  return program.lines.at(-1) ?? {};
}

const rootFile = () => join(site.paths.rootKey, "root-key.sealed");
const rotation = (passphraseFile = site.paths.passphraseFile, file = rootFile()): readonly string[] => [
  "--data",
  site.paths.server,
  "--root-file",
  file,
  "--root-passphrase-file",
  passphraseFile,
];

async function refusal(...args: readonly string[]): Promise<string | undefined> {
  const program = site.spawn([...args, "--json"]);
  expect((await program.ended).code).not.toBe(0);
  return /ERR_[A-Z0-9_]+/.exec(program.log.join("\n"))?.[0];
}

describe("the command that changes the server's keys", () => {
  test("refuses another passphrase, another file and another purpose", async () => {
    const wrong = join(site.paths.root, "wrong");
    writeFileSync(wrong, "not the passphrase");
    expect(await refusal("keys", "rotate", "hpke", ...rotation(wrong))).toBe("ERR_ROOT_KEY_PASSPHRASE");
    expect(await refusal("keys", "rotate", "hpke", ...rotation(undefined, wrong))).toBe("ERR_ROOT_KEY");
    expect(await refusal("keys", "rotate", "mail", ...rotation())).toBe("ERR_USAGE");
    expect(await told("keys", "prune", "--data", site.paths.server)).toEqual({ destroyed: [] });
  });
});

describe("a journal that was off the network", () => {
  test("while both keys were changed: it is read under the old one, and the terminal learns the new ones", async () => {
    await told("keys", "rotate", "receipt", ...rotation());
    site.withStore((store) => site.receipts.believe(store.serverKeys("receipt")[0]?.publicBytes ?? new Uint8Array(0)));
    expect(await told("keys", "rotate", "hpke", ...rotation())).toMatchObject({ purpose: "hpke", version: 2 });
    const { keys } = await told("keys", "list", "--data", site.paths.server);
    expect(keys).toMatchObject([
      { purpose: "hpke", version: 2, state: "current" },
      { purpose: "hpke", version: 1, state: "retired" },
      { purpose: "receipt", version: 2, state: "current" },
      { purpose: "receipt", version: 1, state: "destroyed" },
    ]);
    await expectArrives(folder);
  });

  test("until the old one was destroyed too: the terminal seals anew, and nothing goes to quarantine", async () => {
    const destroyed = site.withStore((store) => store.identity.destroyRetired(Date.now() + 91 * DAY_MS));
    expect(destroyed).toHaveLength(1);
    await expectArrives(other);
  });
});

async function expectArrives(path: string): Promise<void> {
  await site.spawn(["terminal", "upload", "--data", path, "--json"]).success();
  const status = await told("terminal", "status", "--data", path);
  expect(status).toMatchObject({ journal: { items: 0, quarantined: 0 } });
  const { serial, statements } = readProvision(openDiskFolder(path));
  const newest = site.withStore((store) => [store.serverKeys("hpke")[0], store.serverKeys("receipt")[0]]);
  for (const key of newest) expect(statements).toContainEqual(key?.statement);
  const client = await site.signIn();
  const listed = await Promise.all((await client.patients()).map(({ id }) => client.recordings(id)));
  const mine = listed.flat().filter(({ terminalSerial }) => terminalSerial === serial);
  expect(mine.map(({ frameCount, gaps }) => ({ frameCount, gaps }))).toEqual([{ frameCount: FRAME_COUNT, gaps: [] }]);
}
