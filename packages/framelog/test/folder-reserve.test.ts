/** A reserve: room for small files on a disk that is full. */
import { afterAll, describe, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryFolder, keepReserve, openDiskFolder, RESERVE_BYTES, type Folder } from "@pericard/framelog";
import { pattern } from "./support/bytes.ts";

const NAME = "reserve";
const BLOCK = 4096;
const root = mkdtempSync(join(tmpdir(), "pericard-reserve-"));
afterAll(() => rmSync(root, { recursive: true }));

const blocksOf = (sizeBytes: number): number => Math.ceil(sizeBytes / BLOCK);

/** A folder on a disk of whole blocks: what does not fit is refused, and a replacement needs its file a second time. */
function smallDisk(blockCount: number) {
  const folder = createMemoryFolder();
  const used = (): number => folder.list().reduce((sum, name) => sum + blocksOf(folder.bytesOf(name).length), 0);
  const take = (count: number): void => {
    if (used() + count > blockCount) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
  };
  const guarded = (name: string, file: ReturnType<Folder["open"]>): ReturnType<Folder["open"]> => ({
    ...file,
    get sizeBytes() {
      return folder.bytesOf(name).length;
    },
    append: (parts) => {
      const before = folder.bytesOf(name).length;
      const after = parts.reduce((sum, part) => sum + part.length, before);
      take(blocksOf(after) - blocksOf(before));
      file.append(parts);
    },
  });
  const disk: Folder = {
    ...folder,
    open: (name) => guarded(name, folder.open(name)),
    create: (name) => guarded(name, folder.create(name)),
    replace: (name, contents) => {
      take(blocksOf(contents.length));
      folder.replace(name, contents);
    },
  };
  const fill = (): void => {
    const file = folder.list().includes("ballast") ? disk.open("ballast") : disk.create("ballast");
    for (;;) {
      try {
        file.append([new Uint8Array(BLOCK)]);
      } catch {
        return;
      }
    }
  };
  return { disk, folder, fill, freeBlocks: () => blockCount - used() };
}

const sizeOf = (folder: Folder): number => folder.read(NAME)?.length ?? 0;

describe("a reserve", () => {
  test("is taken when the folder is opened, on a real disk too, and once", () => {
    const folder = openDiskFolder(join(root, "a"));
    keepReserve(folder, NAME);
    const bytes = folder.read(NAME);
    expect(bytes?.length).toBe(RESERVE_BYTES);
    keepReserve(folder, NAME).replace("file", pattern(10, 1));
    expect(folder.read(NAME)).toEqual(bytes);
    expect(folder.read("file")).toEqual(pattern(10, 1));
  });

  test("lets a file be replaced on a full disk, again and again", () => {
    const { disk, fill, freeBlocks } = smallDisk(100);
    const kept = keepReserve(disk, NAME);
    kept.replace("file", pattern(10, 0));
    fill();
    expect(freeBlocks()).toBe(0);
    expect(() => disk.replace("file", pattern(10, 1))).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    for (let time = 1; time < 50; time += 1) {
      kept.replace("file", pattern(10, time));
      expect(disk.read("file")).toEqual(pattern(10, time));
      expect([sizeOf(disk), freeBlocks()]).toEqual([RESERVE_BYTES, 0]);
    }
  });

  test("lets new files be written while it lasts, and grows again when there is room", () => {
    const { disk, folder, fill } = smallDisk(100);
    const kept = keepReserve(disk, NAME);
    fill();
    for (let file = 0; file < 16; file += 1) kept.replace(`file-${file}`, pattern(10, file));
    expect(sizeOf(disk)).toBe(0);
    expect(() => kept.replace("file-16", pattern(10, 16))).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    expect(disk.read("file-16")).toBeUndefined();
    folder.remove("ballast");
    kept.replace("file-16", pattern(10, 16));
    expect(sizeOf(disk)).toBe(RESERVE_BYTES);
  });

  test("is smaller on a disk that has no room for a whole one", () => {
    const { disk, fill } = smallDisk(5);
    const kept = keepReserve(disk, NAME);
    expect(sizeOf(disk)).toBe(5 * BLOCK);
    fill();
    kept.replace("file", pattern(10, 1));
    expect(disk.read("file")).toEqual(pattern(10, 1));
  });

  test("hides no other failure of the disk, and is not given for one", () => {
    const { disk } = smallDisk(100);
    const broken = {
      ...disk,
      replace: () => {
        throw Object.assign(new Error("disk"), { code: "EIO" });
      },
    };
    const kept = keepReserve(broken, NAME);
    expect(() => kept.replace("file", pattern(10, 1))).toThrow(expect.objectContaining({ code: "EIO" }));
    expect(sizeOf(disk)).toBe(RESERVE_BYTES);
  });

  test("that other things took leaves the disk as full as it was", () => {
    const { disk, fill } = smallDisk(100);
    const stolen: Folder = {
      ...disk,
      sync: () => {
        disk.sync();
        fill();
      },
    };
    const kept = keepReserve(disk, NAME);
    kept.replace("file", pattern(10, 1));
    fill();
    const robbed = keepReserve(stolen, NAME);
    expect(() => robbed.replace("file", pattern(10, 2))).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    expect(disk.read("file")).toEqual(pattern(10, 1));
  });
});
