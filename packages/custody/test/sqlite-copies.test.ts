/** Several copies of one database: written together, and made equal after whatever happened to some of them. */
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import type { RowWriter } from "../src/key-database.ts";
import { SqliteCopies } from "../src/sqlite-copies.ts";
import { changeByHand, contentsOf, copyFolders, imageOf, temporaryFolder } from "./support/folders.ts";

const FILE = "keys.sqlite";
const SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things (id)) STRICT;`;

const add =
  (id: number) =>
  (writer: RowWriter): void => {
    writer.run("INSERT INTO things VALUES (?, ?)", id, new Uint8Array(50).fill(id));
    writer.run("INSERT INTO parts VALUES (?)", id);
  };

const idsOf = (copies: SqliteCopies): readonly unknown[] =>
  copies.rows("SELECT id FROM things ORDER BY id").map((row) => row["id"]);

let folders: readonly string[];
beforeEach(() => {
  folders = copyFolders(3);
});

const fileOf = (folder: string): string => join(folder, FILE);

function expectEqualCopies(wanted: readonly number[]): void {
  const copies = SqliteCopies.open(folders, FILE);
  expect(idsOf(copies)).toEqual(wanted);
  copies.commit(add(1000));
  expect(idsOf(copies)).toEqual([...wanted, 1000]);
  copies.close();
  expect(new Set(folders.map((folder) => contentsOf(fileOf(folder)))).size).toBe(1);
}

describe("a commit", () => {
  test("reaches every copy", () => {
    const copies = SqliteCopies.create(folders, FILE, SCHEMA);
    copies.commit(add(1));
    copies.commit(add(2));
    copies.close();
    for (const folder of folders) expect(contentsOf(fileOf(folder))).toContain("02".repeat(50));
    expectEqualCopies([1, 2]);
  });

  test("that one copy refuses changes none, and the next one works", { timeout: 60_000 }, () => {
    const copies = SqliteCopies.create(folders, FILE, SCHEMA);
    const other = new DatabaseSync(fileOf(folders[1] ?? ""));
    other.exec("BEGIN IMMEDIATE");
    expect(() => copies.commit(add(5))).toThrow(
      expect.objectContaining({ code: "ERR_KEYSTORE_COPY", retryable: true }),
    );
    other.close();
    expect(idsOf(copies)).toEqual([]);
    copies.commit(add(6));
    copies.close();
    expectEqualCopies([6]);
  });

  test("makes copies equal first when one that failed half-way left them different", () => {
    const copies = SqliteCopies.create(folders, FILE, SCHEMA);
    const other = new DatabaseSync(fileOf(folders[1] ?? ""));
    other.exec("UPDATE meta SET value = 7 WHERE name = 'generation'");
    other.close();
    expect(copies.commit(add(1))).toBeUndefined();
    expect(idsOf(copies)).toEqual([1]);
    copies.close();
    expectEqualCopies([1]);
  });

  test("of another process is seen, and its number changes", () => {
    const mine = SqliteCopies.create(folders, FILE, SCHEMA);
    const theirs = SqliteCopies.open(folders, FILE);
    const before = mine.dataVersion;
    theirs.commit(add(1));
    expect(mine.dataVersion).not.toBe(before);
    mine.commit(add(2));
    expect(idsOf(theirs)).toEqual([1, 2]);
    mine.close();
    theirs.close();
  });
});

/** Folders as they would be when only the copies from `first` on, which come first, have committed. */
function crashAt(first: number): void {
  const before = temporaryFolder();
  const after = temporaryFolder();
  const copies = SqliteCopies.create(folders, FILE, SCHEMA);
  copies.commit(add(1));
  for (const [i, folder] of folders.entries()) imageOf(folder, join(before, String(i)));
  copies.commit(add(2));
  for (const [i, folder] of folders.entries()) imageOf(folder, join(after, String(i)));
  copies.close();
  for (const [i, folder] of folders.entries()) imageOf(join(i >= first ? after : before, String(i)), folder);
}

describe("a crash between the commits of the copies", () => {
  test.each([0, 1, 2, 3])("leaves copies %i and above ahead, and the next start makes all equal to them", (first) => {
    crashAt(first);
    const begun = performance.now();
    expectEqualCopies(first === 3 ? [1] : [1, 2]);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test("is made good by two processes that start at once", () => {
    crashAt(1);
    const mine = SqliteCopies.open(folders, FILE);
    const theirs = SqliteCopies.open(folders, FILE);
    theirs.commit(add(3));
    mine.commit(add(4));
    mine.close();
    theirs.close();
    expectEqualCopies([1, 2, 3, 4]);
  });
});

describe("a copy is made anew when", () => {
  const harms: readonly [string, (path: string) => void][] = [
    ["it was deleted", (path) => rmSync(path)],
    ["its folder was deleted", (path) => rmSync(join(path, ".."), { recursive: true })],
    ["it is empty", (path) => truncateSync(path, 0)],
    ["it is cut short", (path) => truncateSync(path, 5000)],
    ["it is something else", (path) => writeFileSync(path, "something else".repeat(1000))],
    [
      "its pages were overwritten",
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0x55, 4096, 12_288);
        writeFileSync(path, bytes);
      },
    ],
    [
      "it comes from an old backup",
      (path) => {
        const database = new DatabaseSync(path);
        database.exec(
          "DELETE FROM parts; DELETE FROM things WHERE id = 2; UPDATE meta SET value = 1 WHERE name = 'generation'",
        );
        database.close();
      },
    ],
  ];

  test.each(harms.flatMap(([what, harm]) => [0, 1, 2].map((index) => ({ what, harm, index }))))(
    "$what (copy $index)",
    ({ harm, index }) => {
      const copies = SqliteCopies.create(folders, FILE, SCHEMA);
      copies.commit(add(1));
      copies.commit(add(2));
      copies.close();
      harm(fileOf(folders[index] ?? ""));
      expectEqualCopies([1, 2]);
    },
  );

  test("all others are gone: any one suffices", () => {
    const copies = SqliteCopies.create(folders, FILE, SCHEMA);
    copies.commit(add(1));
    copies.close();
    rmSync(folders[0] ?? "", { recursive: true });
    writeFileSync(fileOf(folders[1] ?? ""), "garbage");
    expectEqualCopies([1]);
  });

  test("a remaking was interrupted", () => {
    const copies = SqliteCopies.create(folders, FILE, SCHEMA);
    copies.commit(add(1));
    copies.close();
    rmSync(fileOf(folders[0] ?? ""));
    writeFileSync(`${fileOf(folders[0] ?? "")}.restoring`, "half a file");
    expectEqualCopies([1]);
    expect(existsSync(`${fileOf(folders[0] ?? "")}.restoring`)).toBe(false);
  });
});

/** Changes one copy as if there were no other. */
function changeAlone(folder: string, ids: readonly number[]): void {
  const copies = SqliteCopies.open([folder], FILE);
  for (const id of ids) copies.commit(add(id));
  copies.close();
}

describe("copies that were each changed while the other was away", () => {
  test.each([
    [[2], [3]],
    [[2, 3], [4]],
    [[2], [3, 4]],
  ])("are refused, and stay as they are: %j and %j", (one, two) => {
    folders = copyFolders(2);
    const copies = SqliteCopies.create(folders, FILE, SCHEMA);
    copies.commit(add(1));
    copies.close();
    changeAlone(folders[0] ?? "", one);
    changeAlone(folders[1] ?? "", two);
    const before = folders.map((folder) => contentsOf(fileOf(folder)));
    const message = expect.stringContaining(folders[1] ?? "-") as unknown;
    expect(() => SqliteCopies.open(folders, FILE)).toThrow(
      expect.objectContaining({ code: "ERR_KEYSTORE_DIVERGED", retryable: false, message }),
    );
    expect(folders.map((folder) => contentsOf(fileOf(folder)))).toEqual(before);
    rmSync(folders[1] ?? "", { recursive: true });
    expectEqualCopies([1, ...one]);
  });

  test("are taken for one that is behind when only one was", () => {
    folders = copyFolders(2);
    const copies = SqliteCopies.create(folders, FILE, SCHEMA);
    copies.commit(add(1));
    copies.close();
    changeAlone(folders[1] ?? "", [2, 3]);
    expectEqualCopies([1, 2, 3]);
  });
});

test("a copy that has lost its digests is named, and made anew", () => {
  const copies = SqliteCopies.create(folders, FILE, SCHEMA);
  copies.commit(add(1));
  copies.close();
  changeByHand(folders.slice(0, 1), FILE, "ALTER TABLE copy_commits RENAME TO copy_commitr");
  const opened = SqliteCopies.open(folders, FILE);
  expect(opened.takeDamages()).toEqual([{ folder: folders[0], place: "sqlite_schema", isHealed: true }]);
  opened.close();
  expectEqualCopies([1]);
});

test("nothing to open is said so, and nothing is made", () => {
  expect(() => SqliteCopies.open(folders, FILE)).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_MISSING" }));
  expect(folders.some((folder) => existsSync(folder))).toBe(false);
});

test("a database that is there is not created over", () => {
  SqliteCopies.create(folders.slice(1), FILE, SCHEMA).close();
  expect(() => SqliteCopies.create(folders, FILE, SCHEMA)).toThrow(
    expect.objectContaining({ code: "ERR_KEYSTORE_EXISTS" }),
  );
});
