import { expect, test } from "vitest";
import { createMemoryFolder } from "@pericard/framelog";

test("a power cut leaves synced bytes and as much of the rest as is said", () => {
  const folder = createMemoryFolder();
  const file = folder.create("a");
  folder.sync();
  file.append([Uint8Array.of(1, 2)]);
  file.sync();
  file.append([Uint8Array.of(3, 4, 5)]);
  for (let kept = 0; kept <= 3; kept += 1) {
    expect(folder.afterPowerCut(kept).read("a")).toEqual(Uint8Array.of(1, 2, 3, 4, 5).subarray(0, 2 + kept));
  }
});

test("a power cut takes a file whose folder was not synced, and brings back one whose removal was not", () => {
  const folder = createMemoryFolder(new Map([["old", Uint8Array.of(1)]]));
  folder.create("new").sync();
  folder.remove("old");
  expect(folder.list()).toEqual(["new"]);
  expect(folder.afterPowerCut(100).list()).toEqual(["old"]);
  folder.sync();
  expect(folder.afterPowerCut(100).list()).toEqual(["new"]);
});

test("a power cut does not reach into the folder that lost it", () => {
  const folder = createMemoryFolder(new Map([["a", Uint8Array.of(1)]]));
  const after = folder.afterPowerCut(0);
  after.open("a").append([Uint8Array.of(2)]);
  expect(folder.read("a")).toEqual(Uint8Array.of(1));
});
