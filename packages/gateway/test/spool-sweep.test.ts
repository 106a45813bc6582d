/** Disk space comes back, and what waits and what is done survive it, whenever the power fails. */
import { describe, expect, test } from "vitest";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import type { SpoolItem } from "../src/spool-ledger.ts";
import { makeEnvelope } from "./support/messages.ts";
import { hex, openSpool, waitingIn } from "./support/spools.ts";

const MIB = 1024 * 1024;
const LARGE = 200_000;

function bytesIn(folder: MemoryFolder): number {
  return folder.list().reduce((sum, name) => sum + folder.bytesOf(name).length, 0);
}

describe("files", () => {
  test("go when all their items are done, in whatever order", async () => {
    const folder = createMemoryFolder();
    const { spool, admit } = openSpool(folder, 16 * MIB);
    for (let i = 0; i < 30; i += 1) await admit(makeEnvelope(i, LARGE));
    expect(folder.list().length).toBeGreaterThan(5);
    const items = spool.items();
    for (const item of items.filter((_, i) => i % 2 === 1)) spool.finish(item);
    for (const item of items.filter((_, i) => i % 2 === 0)) spool.finish(item);
    expect(folder.list()).toHaveLength(1);
    expect(bytesIn(folder)).toBeLessThan(MIB);
    expect(waitingIn(folder)).toEqual([]);
  });

  test("do not pile up behind an item that the upstream never answers", async () => {
    const folder = createMemoryFolder();
    const limit = 4 * MIB;
    const { spool, admit } = openSpool(folder, limit);
    const stuck = makeEnvelope(99);
    await admit(stuck);
    for (let i = 0; i < 200; i += 1) {
      expect(await admit(makeEnvelope(1, LARGE)), `message ${i}`).toBeUndefined();
      const newest = spool.items().at(-1);
      if (newest) spool.finish(newest);
      expect(bytesIn(folder)).toBeLessThan(limit);
    }
    expect(spool.items().map((item) => hex(spool.read(item)))).toEqual([hex(stuck)]);
    expect(waitingIn(folder)).toEqual([hex(stuck)]);
  });

  test("that are mostly done give their waiting items up when the spool is half full", async () => {
    const folder = createMemoryFolder();
    const { spool, admit } = openSpool(folder, 4 * MIB);
    const waiting: string[] = [];
    const taken: SpoolItem[] = [];
    for (let i = 0; i < 60; i += 1) {
      const message = makeEnvelope(i, 60_000);
      await admit(message);
      const item = spool.items().at(-1);
      if (!item) throw new Error("item is gone");
      if (i % 5 === 0) {
        waiting.push(hex(message));
        taken.push(item);
      } else spool.finish(item);
    }
    expect(bytesIn(folder)).toBeLessThan(2.5 * MIB);
    expect(spool.items().map((item) => hex(spool.read(item)))).toEqual(waiting);
    expect(waitingIn(folder), "in the order of arrival, though some were moved").toEqual(waiting);
    expect(
      taken.map((item) => hex(spool.read(item))),
      "also for who took an item before it was moved",
    ).toEqual(waiting);
  });
});

describe("done marks", () => {
  test("outlive their file as long as the file of their items is there, and at every power cut", async () => {
    const cuts: MemoryFolder[] = [];
    const inner = createMemoryFolder();
    const folder: MemoryFolder = {
      ...inner,
      remove: (name) => {
        cuts.push(inner.afterPowerCut(0));
        inner.remove(name);
      },
      sync: () => {
        inner.sync();
        cuts.push(inner.afterPowerCut(0));
      },
    };
    const { spool, admit } = openSpool(folder, 64 * MIB);
    const stuck = makeEnvelope(99);
    await admit(stuck);
    for (let i = 0; i < 10; i += 1) await admit(makeEnvelope(i));
    const early = spool.items().slice(1);
    const earlyMessages = new Set(early.map((item) => hex(spool.read(item))));
    for (let i = 0; i < 6; i += 1) await admit(makeEnvelope(20, LARGE));
    // The current file is now another than the early items'; their marks go there.
    for (const item of early) spool.finish(item);
    await admit(makeEnvelope(20));
    cuts.length = 0;
    for (let i = 0; i < 30; i += 1) {
      await admit(makeEnvelope(21, LARGE));
      for (const item of spool.items().slice(1)) spool.finish(item);
      const names = folder.list();
      if (i > 10) expect(names.length, "files are the first, and one or two at the end").toBeLessThanOrEqual(3);
    }
    expect(cuts.length).toBeGreaterThan(4);
    for (const cut of cuts) expect(waitingIn(cut).filter((one) => earlyMessages.has(one))).toEqual([]);
    expect(waitingIn(folder)).toEqual([hex(stuck)]);
  });
});

test("done marks in the current file outlive it too", async () => {
  const folder = createMemoryFolder();
  const before = openSpool(folder);
  const stuck = makeEnvelope(99);
  await before.admit(stuck);
  await before.admit(makeEnvelope(1));
  before.spool.close();
  const { spool, admit } = openSpool(folder);
  for (const item of spool.items().slice(1)) spool.finish(item);
  for (let i = 0; i < 40; i += 1) {
    await admit(makeEnvelope(2, LARGE));
    for (const item of spool.items().slice(1)) spool.finish(item);
  }
  expect(bytesIn(folder)).toBeLessThan(2 * MIB);
  expect(waitingIn(folder)).toEqual([hex(stuck)]);
});

test("an item whose copy could not be synced stays where it was", async () => {
  const folder = createMemoryFolder();
  const { spool, clock, admit } = openSpool(folder, 4 * MIB);
  const stuck = makeEnvelope(99);
  await admit(stuck);
  for (let i = 0; i < 12; i += 1) await admit(makeEnvelope(1, LARGE));
  const [first, ...others] = spool.items();
  folder.failWith((operation) => (operation === "sync" ? new Error("disk") : undefined));
  for (const item of others) {
    clock.advance(1000);
    spool.finish(item);
  }
  expect(spool.items()).toEqual([first]);
  folder.failWith(undefined);
  expect(waitingIn(folder.afterPowerCut(0))).toContain(hex(stuck));
});

test("a power cut at any call while space comes back loses no item and revives none whose mark was synced", async () => {
  const inner = createMemoryFolder();
  const cuts: MemoryFolder[] = [];
  // Every removal and every sync of the folder is a moment at which the power may fail.
  const folder: MemoryFolder = {
    ...inner,
    remove: (name) => {
      cuts.push(inner.afterPowerCut(0));
      inner.remove(name);
      cuts.push(inner.afterPowerCut(0));
    },
    sync: () => {
      inner.sync();
      cuts.push(inner.afterPowerCut(0));
    },
  };
  const { spool, admit } = openSpool(folder, 4 * MIB);
  const stuck = [makeEnvelope(90), makeEnvelope(91)];
  const [first, second] = stuck as [Uint8Array, Uint8Array];
  let revivedMax = 0;
  await admit(first);
  for (let i = 0; i < 60; i += 1) {
    const message = makeEnvelope(1, LARGE);
    cuts.length = 0;
    await admit(message);
    if (i === 10) await admit(second);
    const item = spool.items().find((one) => hex(spool.read(one)) === hex(message));
    if (item) spool.finish(item);
    const must = (i > 10 ? stuck : [first]).map(hex);
    for (const cut of cuts) {
      const found = waitingIn(cut);
      expect(found.filter((one) => must.includes(one))).toEqual(must.slice(0, i === 10 ? 1 : 2));
      revivedMax = Math.max(revivedMax, found.filter((one) => !stuck.map(hex).includes(one)).length);
    }
  }
  expect(revivedMax, "the newest mark at most").toBeLessThanOrEqual(2);
});
