/** Copies of the key store that a disk changed behind the server's back are found, named, and made anew where that can be told. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { CopyComparison } from "@pericard/custody";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OperatorClient } from "../src/client/operator-client.ts";
import { keyFolderPaths } from "../src/config.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";

let site: TestInstallation;
beforeEach(async () => {
  site = new TestInstallation();
  site.writeSettings();
  site.terminalOf("somebody");
  await site.stop();
}, 60_000);
afterEach(() => site.remove());

const compare = (): Promise<CopyComparison> =>
  new OperatorClient(site.config.dataPath).send<CopyComparison>("POST", "/v1/key-copies/compare");
const folders = (): readonly string[] => keyFolderPaths(site.config);
const fileIn = (folder = ""): string => join(folder, "keys.sqlite");

async function trail(): Promise<readonly string[]> {
  const entries = await site.server.context.catalog.listAudit(0, 1000);
  return entries.filter(({ actor }) => actor === "key store").map(({ action, subject }) => `${action}: ${subject}`);
}

async function expectKeysWork(): Promise<void> {
  const terminal = site.terminal();
  const message = terminal.envelope(new TestRecording(terminal).next().sealed);
  expect((await site.post(message)).receipts).toHaveLength(1);
}

test("copies that are equal are said to be", async () => {
  await site.start();
  await expectKeysWork();
  expect(await compare()).toEqual({ unreadable: [], differences: [] });
  expect(await trail()).toEqual([]);
});

test("a damaged page is named, and the copy is made anew while the server runs", async () => {
  await site.start();
  const [, folder = ""] = folders();
  const bytes = readFileSync(fileIn(folder));
  for (let page = 4096; page < bytes.length; page += 4096) bytes[page] = (bytes[page] ?? 0) ^ 0x40;
  writeFileSync(fileIn(folder), bytes);
  expect(await compare()).toEqual({ unreadable: [folder], differences: [] });
  expect(await trail()).toEqual([`heal copy: ${folder}`]);
  await expectKeysWork();
  expect(await compare()).toEqual({ unreadable: [], differences: [] });
});

test("a value that was flipped in one copy is named with its table and row, and the copy is made anew", async () => {
  const [first = "", second = ""] = folders();
  const bytes = readFileSync(fileIn(second));
  const at = bytes.indexOf("Tenant");
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(fileIn(second), bytes);
  const database = new DatabaseSync(fileIn(second), { readOnly: true });
  expect(database.prepare("PRAGMA integrity_check(1)").get()).toEqual({ integrity_check: "ok" });
  database.close();
  await site.start();
  const { unreadable, differences } = await compare();
  expect(unreadable).toEqual([]);
  expect(differences).toEqual([{ folderPaths: [first, second], table: "tenants", rowCounts: [1, 1] }]);
  expect(await trail()).toEqual([
    `find copies that differ: tenants in ${first} and ${second}`,
    expect.stringMatching(new RegExp(`^heal copy: ${second}: tenants [0-9a-f]{32}$`)),
  ]);
  expect(await compare()).toEqual({ unreadable: [], differences: [] });
  const client = new OperatorClient(site.config.dataPath);
  expect((await client.get<{ keyCopies: unknown }>("/v1/volumes")).keyCopies).toMatchObject({ unreadable: [] });
});
