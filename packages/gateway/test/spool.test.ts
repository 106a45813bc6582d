import { describe, expect, test } from "vitest";
import { createMemoryFolder, encodeFrame } from "@pericard/framelog";
import { concatBytes } from "@pericard/protocol";
import { readClientMessage } from "../src/message.ts";
import { encodeDone, encodeItem, RECORD } from "../src/spool-record.ts";
import { START_UNIX_MS } from "./support/manual-clock.ts";
import { makeEnvelope, makeGap, routingOf } from "./support/messages.ts";
import { CLIENT, hex, openSpool, recordingFolder, waitingIn } from "./support/spools.ts";

const FIRST_FILE = "spool-00000000.cbor";

describe("a message taken in", () => {
  test("is in the spool when it is durable, and not before", async () => {
    const { folder, calls } = recordingFolder();
    const { spool, durable, turn } = openSpool(folder);
    const message = readClientMessage(makeEnvelope(1));
    let isKept = false;
    const admitted = spool.admit(message, CLIENT).then(() => (isKept = true));
    expect(calls.at(-1)).toBe(`append ${FIRST_FILE}`);
    for (let i = 0; i < 50; i += 1) await Promise.resolve();
    expect([isKept, durable.length]).toEqual([false, 0]);
    await turn();
    expect(calls.at(-1)).toBe(`sync ${FIRST_FILE}`);
    await admitted;
    expect(durable).toMatchObject([{ order: 0, routing: routingOf(1), client: "first" }]);
    expect(spool.read(spool.items()[0] ?? (durable[0] as never))).toEqual(message.bytes);
    expect(waitingIn(folder.afterPowerCut(0))).toEqual([hex(message.bytes)]);
  });

  test("shares its sync with everything of the same turn", async () => {
    const { folder, calls } = recordingFolder();
    const { spool, durable, turn, admit } = openSpool(folder);
    await admit(makeEnvelope(9));
    calls.length = 0;
    const admitted = [1, 2, 3, 4].map((terminal) => spool.admit(readClientMessage(makeEnvelope(terminal)), CLIENT));
    await turn();
    await Promise.all(admitted);
    expect(calls).toEqual([...Array<string>(4).fill(`append ${FIRST_FILE}`), `sync ${FIRST_FILE}`]);
    expect(durable.map((item) => item.routing)).toEqual([9, 1, 2, 3, 4].map(routingOf));
  });

  test("is not stored twice while it waits: envelope and gap, synced or just arriving", async () => {
    const { spool, admit, turn } = openSpool();
    for (const bytes of [makeEnvelope(1), makeGap(1, 4)]) {
      const before = spool.itemCount;
      const both = [
        spool.admit(readClientMessage(bytes), CLIENT),
        spool.admit(readClientMessage(bytes.slice()), CLIENT),
      ];
      await turn();
      await Promise.all(both);
      await admit(bytes);
      expect(spool.itemCount).toBe(before + 1);
    }
  });

  test("is stored again when the first one is done, or when it ends like another but is not the same", async () => {
    const { spool, admit } = openSpool();
    const bytes = makeEnvelope(1);
    await admit(bytes);
    for (const item of spool.items()) spool.finish(item);
    await admit(bytes);
    expect(spool.itemCount).toBe(1);
    const other = makeEnvelope(1);
    other.set(bytes.subarray(-16), other.length - 16);
    await admit(other);
    expect(spool.itemCount).toBe(2);
  });

  test("waits behind the sync of its twin, and fails with it", async () => {
    const folder = createMemoryFolder();
    const { spool, turn } = openSpool(folder);
    const bytes = makeEnvelope(1);
    const both = [0, 1].map(() => spool.admit(readClientMessage(bytes), CLIENT));
    const outcomes = Promise.allSettled(both);
    folder.failWith((operation) => (operation === "sync" ? new Error("disk") : undefined));
    await turn();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(spool.itemCount).toBe(0);
  });
});

test("closing keeps what is just being taken in", async () => {
  const folder = createMemoryFolder();
  const { spool } = openSpool(folder);
  const message = makeEnvelope(1);
  const admitted = spool.admit(readClientMessage(message), CLIENT);
  spool.close();
  await admitted;
  expect(waitingIn(folder.afterPowerCut(0))).toEqual([hex(message)]);
});

describe("a restart", () => {
  test("finds what waits, oldest first, with when and from whom it came; what is done is not there", async () => {
    const folder = createMemoryFolder();
    const { spool, clock, admit } = openSpool(folder);
    const messages = [1, 2, 1, 3].map((terminal) => makeEnvelope(terminal));
    for (const message of messages) {
      await admit(message);
      clock.advance(10);
    }
    const [first, second] = spool.items();
    if (first) spool.finish(first);
    spool.close();
    const again = openSpool(folder);
    expect(again.spool.items().map((item) => hex(again.spool.read(item)))).toEqual(messages.slice(1).map(hex));
    expect(again.spool.items()[0]).toMatchObject({ order: 1, client: "first", routing: routingOf(2) });
    expect(again.spool.oldestAtUnixMs).toBe(START_UNIX_MS + 1010);
    expect(again.spool.sizeBytes).toBe(spool.sizeBytes);
    expect(second?.order).toBe(1);
    expect(await again.admit(messages[1] as Uint8Array)).toBeUndefined();
    expect(again.spool.itemCount, "a twin from before the restart").toBe(3);
  });

  test("after a power cut at any moment loses nothing that was answered for", async () => {
    const folder = createMemoryFolder();
    const { spool, admit } = openSpool(folder);
    const answered: string[] = [];
    const done: string[] = [];
    for (let i = 0; i < 12; i += 1) {
      const message = makeEnvelope(i % 3, 50 + 40 * i);
      await admit(message);
      answered.push(hex(message));
      const [oldest] = spool.items();
      if (i % 2 === 1 && oldest) {
        done.push(hex(spool.read(oldest)));
        spool.finish(oldest);
      }
      for (const kept of [0, 1, 5, 20, 44, 45, 46, 47, 48, 60, 1000]) {
        const found = waitingIn(folder.afterPowerCut(kept));
        const waiting = answered.filter((one) => !done.includes(one));
        expect(found.slice(-waiting.length)).toEqual(waiting);
        expect(found.length - waiting.length, "marks lost").toBeLessThanOrEqual(1);
      }
    }
  });

  test("goes past damage, keeps the rest and says how much it could not use", async () => {
    const folder = createMemoryFolder();
    const { admit } = openSpool(folder);
    const messages = [1, 2, 3].map((terminal) => makeEnvelope(terminal));
    for (const message of messages) await admit(message);
    const bytes = folder.read(FIRST_FILE) ?? new Uint8Array(0);
    const at = Buffer.from(bytes).indexOf(messages[1]?.subarray(100, 140) ?? "");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    folder.replace(FIRST_FILE, bytes);
    expect(waitingIn(folder)).toEqual([messages[0], messages[2]].map((message) => hex(message as Uint8Array)));
    expect(openSpool(folder).spool.unusableCount).toBe(1);
  });
});

function frame(kind: number, number: number, content: Uint8Array): Uint8Array {
  return concatBytes(...encodeFrame({ kind, number, content }));
}

describe("bytes inside a hostile message", () => {
  test("cannot mark another terminal's item as done, though a scan takes them for a frame", async () => {
    const folder = createMemoryFolder();
    const { spool, admit } = openSpool(folder);
    const victim = makeEnvelope(1);
    await admit(victim);
    const guess = encodeDone({ order: 0, fingerprint: "00".repeat(16), fileNumber: 0 });
    spool.close();
    // The hostile message's own frame was cut; what it carried is found by the search.
    folder.open(FIRST_FILE).append([Uint8Array.of(0xd9, 0xd9, 0xf7), frame(RECORD.done, 1, guess)]);
    expect(waitingIn(folder)).toEqual([hex(victim)]);
  });

  test("are no item when they are no message, and none from the future", async () => {
    const folder = createMemoryFolder();
    const { spool, admit } = openSpool(folder);
    await admit(makeEnvelope(1));
    spool.close();
    const item = { receivedAtUnixMs: 1, client: "x" };
    folder
      .open(FIRST_FILE)
      .append([
        frame(RECORD.item, 1, encodeItem({ ...item, order: null, message: new Uint8Array(10) })),
        frame(RECORD.item, 2, encodeItem({ ...item, order: 2 ** 50, message: makeEnvelope(2) })),
        frame(RECORD.item, 3, new Uint8Array(10)),
        frame(RECORD.done, 4, new Uint8Array(10)),
        frame(23, 5, new Uint8Array(10)),
      ]);
    const again = openSpool(folder);
    expect(again.spool.itemCount).toBe(1);
    expect(again.spool.unusableCount).toBe(4);
    await again.admit(makeEnvelope(3));
    expect(again.spool.items().map(({ order }) => order)).toEqual([0, 6]);
  });
});

describe("room", () => {
  test("ends at the limit on disk, and comes back when items are done", async () => {
    const { spool, admit } = openSpool(createMemoryFolder(), 64 * 1024);
    let count = 0;
    while ((await admit(makeEnvelope(count, 3000))) === undefined) count += 1;
    expect(await admit(makeEnvelope(count, 3000))).toBe("ERR_SPOOL_FULL");
    expect(spool.itemCount).toBe(count);
    expect(spool.sizeBytes).toBeGreaterThan(56 * 1024);
    for (const item of spool.items()) spool.finish(item);
    expect(spool.sizeBytes).toBe(0);
    expect(await admit(makeEnvelope(1, 3000))).toBeUndefined();
  });

  test("of one client ends at its quota, and comes back when its items are done", async () => {
    const { spool, admit } = openSpool();
    const small = { ...CLIENT, name: "small", spoolBytesMax: 1500 };
    expect(await admit(makeEnvelope(1), small)).toBeUndefined();
    expect(await admit(makeEnvelope(1), small)).toBeUndefined();
    expect(await admit(makeEnvelope(1), small)).toBe("ERR_CLIENT_QUOTA");
    expect(await admit(makeEnvelope(1))).toBeUndefined();
    const [first] = spool.items();
    if (first) spool.finish(first);
    expect(await admit(makeEnvelope(1), small)).toBeUndefined();
  });
});

describe("a disk that fails", () => {
  const full = Object.assign(new Error("no space"), { code: "ENOSPC" });

  test.each(["append", "sync", "create"] as const)(
    "at %s refuses, keeps what was answered, and goes on",
    async (failing) => {
      const folder = createMemoryFolder();
      const { spool, clock, admit, broken, durable } = openSpool(folder, 64 * 1024);
      const messages = [1, 2, 3].map((terminal) => makeEnvelope(terminal));
      if (failing !== "create") await admit(messages[0] as Uint8Array);
      folder.failWith((operation) => (operation === failing ? full : undefined));
      expect(await admit(messages[1] as Uint8Array)).toBe("ERR_SPOOL_DISK_FULL");
      folder.failWith(undefined);
      expect(await admit(messages[1] as Uint8Array), "the disk is left alone for a second").toBe("ERR_SPOOL_DISK_FULL");
      expect(broken).toEqual(["ERR_SPOOL_DISK_FULL"]);
      clock.advance(1000);
      expect(await admit(messages[1] as Uint8Array)).toBeUndefined();
      expect(await admit(messages[2] as Uint8Array)).toBeUndefined();
      const expected = (failing === "create" ? messages.slice(1) : messages).map(hex);
      expect(spool.items().map((item) => hex(spool.read(item)))).toEqual(expected);
      expect(durable).toHaveLength(expected.length);
      expect(new Set(waitingIn(folder.afterPowerCut(0)))).toEqual(new Set(expected));
    },
  );

  test("in the middle of a turn gives up the whole turn, however late its end comes", async () => {
    const folder = createMemoryFolder();
    const { spool, clock, turn } = openSpool(folder);
    const first = spool.admit(readClientMessage(makeEnvelope(1)), CLIENT);
    folder.failWith((operation) => (operation === "append" ? full : undefined));
    const outcomes = Promise.allSettled([first, spool.admit(readClientMessage(makeEnvelope(2)), CLIENT)]);
    folder.failWith(undefined);
    clock.advance(5000);
    await turn();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(spool.itemCount).toBe(0);
  });

  test("does not fill with files that were begun in vain", async () => {
    const folder = createMemoryFolder();
    const { clock, admit } = openSpool(folder);
    await admit(makeEnvelope(1));
    folder.failWith(() => full);
    expect(await admit(makeEnvelope(2))).toBe("ERR_SPOOL_DISK_FULL");
    for (let i = 0; i < 5; i += 1) {
      let appends = 0;
      // The header of each new file goes through, the message does not.
      folder.failWith((operation) => (operation === "append" && (appends += 1) > 1 ? full : undefined));
      clock.advance(1000);
      expect(await admit(makeEnvelope(2))).toBe("ERR_SPOOL_DISK_FULL");
    }
    folder.failWith(undefined);
    clock.advance(1000);
    expect(await admit(makeEnvelope(3))).toBeUndefined();
    expect(folder.list().length).toBeLessThanOrEqual(2);
  });

  test("lets items be read and finished meanwhile", async () => {
    const folder = createMemoryFolder();
    const { spool, admit } = openSpool(folder);
    const message = makeEnvelope(1);
    await admit(message);
    folder.failWith(() => full);
    expect(await admit(makeEnvelope(2))).toBe("ERR_SPOOL_DISK_FULL");
    const [item] = spool.items();
    if (!item) throw new Error("item is gone");
    expect(hex(spool.read(item))).toBe(hex(message));
    spool.finish(item);
    spool.finish(item);
    expect(spool.itemCount).toBe(0);
    spool.close();
  });
});
