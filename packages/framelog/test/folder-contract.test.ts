/** One contract for every folder: what a log may rely on, whatever the disk is. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "@pericard/protocol";
import { createMemoryFolder, openDiskFolder, type Folder } from "@pericard/framelog";
import { pattern } from "./support/bytes.ts";

const root = mkdtempSync(join(tmpdir(), "pericard-folder-"));
afterAll(() => rmSync(root, { recursive: true }));

let made = 0;
const adapters: readonly [name: string, make: () => Folder][] = [
  ["memory", () => createMemoryFolder()],
  ["disk", () => openDiskFolder(join(root, String(made++), "deep", "folder"))],
];

function* twoParts(fail: boolean): Generator<Uint8Array> {
  yield pattern(70_000, 1);
  if (fail) throw new Error("no more parts");
  yield pattern(5, 2);
}

describe.each(adapters)("a folder in %s", (_, make) => {
  test("is empty at first and lists its files sorted", () => {
    const folder = make();
    expect(folder.list()).toEqual([]);
    for (const name of ["b", "a", "c"]) folder.create(name).close();
    expect(folder.list()).toEqual(["a", "b", "c"]);
  });

  test("creates a file once and opens only what is there", () => {
    const folder = make();
    folder.create("a").close();
    expect(() => folder.create("a")).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(() => folder.open("b")).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(folder.list()).toEqual(["a"]);
  });

  test("puts a file in place from parts that are made while it is written, or not at all", () => {
    const folder = make();
    folder.replace("a", utf8("old"));
    expect(() => folder.replaceWithParts("a", twoParts(true))).toThrow("no more parts");
    expect(folder.read("a")).toEqual(utf8("old"));
    folder.replaceWithParts("a", twoParts(false));
    expect(folder.read("a")).toEqual(concatBytes(pattern(70_000, 1), pattern(5, 2)));
  });

  test("puts prepared files in place when they are renamed", () => {
    const folder = make();
    folder.replace("a", utf8("old"));
    const prepared = ["a", "b"].map((name) => folder.prepare(name, utf8(`new ${name}`)));
    expect([folder.read("a"), folder.read("b")]).toEqual([utf8("old"), undefined]);
    for (const file of prepared) file.sync();
    for (const file of prepared) file.rename();
    folder.sync();
    expect([folder.read("a"), folder.read("b")]).toEqual([utf8("new a"), utf8("new b")]);
    expect(folder.list()).toEqual(["a", "b"]);
  });

  test("appends parts in order and reads at any place", () => {
    const folder = make();
    const file = folder.create("a");
    const parts = [pattern(10, 1), new Uint8Array(0), pattern(70_000, 2), pattern(3, 3)];
    file.append(parts);
    file.append([pattern(5, 4)]);
    file.sync();
    const whole = concatBytes(...parts, pattern(5, 4));
    expect(file.sizeBytes).toBe(whole.length);
    expect(file.read(0, whole.length)).toEqual(whole);
    expect(file.read(8, 100)).toEqual(whole.subarray(8, 108));
    file.close();
  });

  test("reads fewer bytes at the end of a file and none beyond it", () => {
    const file = make().create("a");
    file.append([pattern(10, 1)]);
    expect(file.read(8, 100)).toEqual(pattern(10, 1).subarray(8));
    expect(file.read(10, 1)).toEqual(new Uint8Array(0));
    expect(file.read(1000, 1)).toEqual(new Uint8Array(0));
    file.close();
  });

  test("gives bytes that the caller owns", () => {
    const folder = make();
    const file = folder.create("a");
    const given = pattern(10, 1);
    file.append([given]);
    given.fill(0);
    file.read(0, 10).fill(9);
    expect(file.read(0, 10)).toEqual(pattern(10, 1));
    file.close();
  });

  test("goes on at the end of a file that is opened again", () => {
    const folder = make();
    const first = folder.create("a");
    first.append([Uint8Array.of(1)]);
    first.close();
    const second = folder.open("a");
    expect(second.sizeBytes).toBe(1);
    second.append([Uint8Array.of(2)]);
    second.close();
    expect(folder.read("a")).toEqual(Uint8Array.of(1, 2));
  });

  test("removes a file, and only one that is there", () => {
    const folder = make();
    folder.create("a").close();
    folder.remove("a");
    folder.sync();
    expect(folder.list()).toEqual([]);
    expect(() => folder.remove("a")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });

  test("replaces a whole file and leaves no other behind", () => {
    const folder = make();
    folder.replace("a", utf8("one, and longer"));
    folder.replace("a", utf8("two"));
    expect(folder.read("a")).toEqual(utf8("two"));
    expect(folder.list()).toEqual(["a"]);
  });

  test("reads a file that is not there as undefined", () => {
    expect(make().read("a")).toBeUndefined();
  });
});
