/** Custody by passphrase: the sealed file in every folder, and the file that the passphrase is read from. */
import { systemRandom } from "@pericard/crypto";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createKek, findKek } from "../src/kek-file.ts";
import { readPassphraseFile } from "../src/passphrase-file.ts";
import { copyFolders, temporaryFolder } from "./support/folders.ts";

const passphrase = new TextEncoder().encode("correct horse battery staple");

/** Finds the key without a key store that could say which of several counts. */
const openKek = (paths: readonly string[], secret: Uint8Array) =>
  findKek(paths, { secret, modulePath: undefined }, () => {
    throw new Error("nobody needs to ask the key store");
  });

function flipLast(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[bytes.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

describe("the key-encryption key", () => {
  let folders: readonly string[];
  let kek: Uint8Array;
  let sealed: Uint8Array;
  const fileOf = (index: number): string => join(folders[index] ?? "", "kek.sealed");
  beforeAll(() => {
    const folder = temporaryFolder();
    kek = createKek([folder], passphrase, systemRandom);
    sealed = readFileSync(join(folder, "kek.sealed"));
  });
  beforeEach(() => {
    folders = copyFolders(2);
    for (const [i, folder] of folders.entries()) {
      mkdirSync(folder);
      writeFileSync(fileOf(i), sealed);
    }
  });

  test("is sealed into each folder", () => {
    const fresh = copyFolders(2);
    createKek(fresh, passphrase, systemRandom);
    const files = fresh.map((folder) => readFileSync(join(folder, "kek.sealed"), "hex"));
    expect(new Set(files).size).toBe(1);
    expect(files[0]).not.toBe(Buffer.from(sealed).toString("hex"));
  });

  test("opens under its passphrase alone", () => {
    expect(openKek(folders, passphrase)).toEqual(kek);
    const wrong = new TextEncoder().encode("correct horse battery stable");
    expect(() => openKek(folders, wrong)).toThrow(expect.objectContaining({ code: "ERR_KEK_PASSPHRASE" }));
    expect(readFileSync(fileOf(0)).includes(kek)).toBe(false);
  });

  test("is not drawn again where there is one", () => {
    expect(() => createKek(folders, passphrase, systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_KEYSTORE_EXISTS" }),
    );
    expect(openKek(folders, passphrase)).toEqual(kek);
  });

  test.each([0, 1])("is put back where its file is missing (copy %i)", (index) => {
    const original = readFileSync(fileOf(index));
    rmSync(fileOf(index));
    expect(openKek(folders, passphrase)).toEqual(kek);
    expect(readFileSync(fileOf(index))).toEqual(original);
  });

  test.each([
    { what: "something else", index: 0, harm: () => Buffer.from("something else") },
    { what: "something else", index: 1, harm: () => Buffer.from("something else") },
    { what: "empty", index: 0, harm: () => Buffer.alloc(0) },
    { what: "changed in one bit", index: 0, harm: flipLast },
    { what: "changed in one bit", index: 1, harm: flipLast },
  ])("opens from the other copy when copy $index is $what, which is made good", ({ index, harm }) => {
    const original = readFileSync(fileOf(index));
    writeFileSync(fileOf(index), harm(original));
    expect(openKek(folders, passphrase)).toEqual(kek);
    expect(readFileSync(fileOf(index))).toEqual(original);
  });

  test("that is damaged everywhere, or nowhere to be found, is said to be so", () => {
    for (const index of [0, 1]) writeFileSync(fileOf(index), "garbage");
    expect(() => openKek(folders, passphrase)).toThrow(expect.objectContaining({ code: "ERR_KEK_FILE" }));
    for (const index of [0, 1]) rmSync(fileOf(index));
    expect(() => openKek(folders, passphrase)).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_MISSING" }));
  });
});

const write = (path: string, text = "secret\n"): string => {
  writeFileSync(path, text);
  return path;
};

describe("a passphrase file", () => {
  let root: string;
  let data: string;
  beforeEach(() => {
    root = temporaryFolder();
    data = join(root, "data");
    mkdirSync(join(data, "deep"), { recursive: true });
  });

  test.each([
    ["secret", "secret"],
    ["secret\n", "secret"],
    ["secret\r\n", "secret"],
    ["secret\n\n", "secret\n"],
    [" se cret ", " se cret "],
    ["pässwört\n", "pässwört"],
  ])("%j is its bytes without one line end", (text, wanted) => {
    const path = write(join(root, "passphrase"), text);
    expect(new TextDecoder().decode(readPassphraseFile(path, data))).toBe(wanted);
  });

  test.each(["", "\n", "\r\n"])("%j is empty and refused", (text) => {
    const path = write(join(root, "passphrase"), text);
    expect(() => readPassphraseFile(path, data)).toThrow(expect.objectContaining({ code: "ERR_KEK_PASSPHRASE_FILE" }));
  });

  test("that is not there is refused", () => {
    const path = join(root, "nowhere");
    expect(() => readPassphraseFile(path, data)).toThrow(expect.objectContaining({ code: "ERR_KEK_PASSPHRASE_FILE" }));
  });

  test.each(["passphrase", "deep/passphrase", "..passphrase", "deep/../passphrase"])("data/%s is refused", (name) => {
    const path = write(join(data, name));
    expect(() => readPassphraseFile(path, data)).toThrow(expect.objectContaining({ code: "ERR_KEK_PASSPHRASE_FILE" }));
    expect(() => readPassphraseFile(`${data}/${name}`, `${data}/`)).toThrow("data folder");
  });

  test("that is a link into the data folder, or lies in it under another name, is refused", () => {
    const inside = write(join(data, "passphrase"));
    const link = join(root, "link");
    symlinkSync(inside, link);
    expect(() => readPassphraseFile(link, data)).toThrow("data folder");
    const alias = join(root, "alias");
    symlinkSync(data, alias);
    expect(() => readPassphraseFile(inside, alias)).toThrow("data folder");
    expect(() => readPassphraseFile(join(alias, "passphrase"), data)).toThrow("data folder");
  });

  test("beside the data folder is taken, whatever its name begins with", () => {
    const path = write(join(root, "data-passphrase"));
    expect(readPassphraseFile(path, data)).toHaveLength(6);
    expect(readPassphraseFile(path, undefined)).toHaveLength(6);
    expect(readPassphraseFile(path, join(root, "not-there-yet"))).toHaveLength(6);
  });
});
