/** No receipt before copies and rows are durable, whatever fails on the way. Source: docs/format.md §15, invariant 10. */
import { parseSigned, Receipt, toHex } from "@pericard/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ServerError } from "../src/errors.ts";
import { problemOf } from "../src/http/problems.ts";
import { ThreadError } from "../src/threads/thread.ts";
import { IngestFoundation, IngestRoom, type RoomWish } from "./support/ingest-room.ts";
import { TestRecording, type MadeSegment } from "./support/test-recording.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let foundation: IngestFoundation;
let room: IngestRoom;
let terminal: TestTerminal;
let recording: TestRecording;
let segment: MadeSegment;

/** Goes into a new room; the one before is closed. */
function enter(wish: RoomWish = {}): void {
  room?.close();
  room = new IngestRoom(foundation, wish);
  recording = new TestRecording(terminal);
  segment = recording.next({ frameCount: 20 });
}
beforeAll(() => {
  foundation = new IngestFoundation();
  terminal = foundation.site.terminalOf("somebody").terminal;
});
afterAll(() => foundation.remove());
beforeEach(() => enter());
afterEach(() => room.close());

const receipted = (answers: readonly Uint8Array[]): readonly string[] =>
  answers
    .map((bytes) => parseSigned(bytes))
    .filter(({ type }) => type === "pericard/receipt")
    .flatMap(({ payload }) => Receipt.decode(payload).hashes.map(toHex));

async function refusalOf(work: Promise<unknown>): Promise<{ status: number; code: string }> {
  try {
    await work;
  } catch (error) {
    const { status, code } = problemOf(error);
    return { status, code };
  }
  throw new Error("the message was taken");
}

/** Whether a promise is still open after everything that could happen has happened. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  const rest = new Promise<"open">((resolve) => setTimeout(() => resolve("open"), 150));
  return (await Promise.race([promise, rest])) === "open";
}

test("data key, then every copy, then rows, then the receipt", async () => {
  expect(receipted(await room.receive(terminal.envelope(segment.sealed)))).toEqual([toHex(segment.hash)]);
  expect(room.events).toHaveLength(5);
  expect(room.events.slice(1, 3)).toEqual([expect.stringMatching(/^durable/), expect.stringMatching(/^durable/)]);
  expect([room.events[0], ...room.events.slice(3)]).toEqual(["data key", "rows", "stored"]);
});

test("one copy that is late holds the receipt and the rows back", async () => {
  for (const volume of room.volumes) volume.hold();
  const answer = room.receive(terminal.envelope(segment.sealed));
  await expect.poll(() => room.volumes.filter(({ appendCount }) => appendCount === 1)).toHaveLength(2);
  const [first, second] = room.volumes.filter(({ appendCount }) => appendCount === 1);
  first?.release();
  expect(await isOpen(answer)).toBe(true);
  expect(room.events).toEqual(["data key", `durable ${first?.id}`]);
  expect(await room.catalog.findRecording(recording.id)).toBeNull();
  second?.release();
  expect(receipted(await answer)).toEqual([toHex(segment.hash)]);
});

test("a gap has the same order", async () => {
  for (const volume of room.volumes) volume.hold();
  const answer = room.receive(terminal.gap(recording.id, 4));
  expect(await isOpen(answer)).toBe(true);
  expect(await room.catalog.findGapHash(recording.id, 0, 4)).toBeNull();
  for (const volume of room.volumes) volume.release();
  expect(receipted(await answer)).toHaveLength(1);
  expect(await room.catalog.findGapHash(recording.id, 0, 4)).not.toBeNull();
});

describe("a catalog that cannot write", () => {
  const sqlite = new ThreadError({ name: "Error", message: "disk I/O error", code: "ERR_SQLITE_ERROR" });
  const ended = new ServerError("ERR_THREAD_ENDED", "thread ended");

  test.each([
    ["disk", sqlite, "ERR_CATALOG_UNAVAILABLE"],
    ["thread", ended, "ERR_THREAD_ENDED"],
  ])("for its %s gives 503 and no receipt, and the next try stores each segment once", async (_, error, code) => {
    room.faults.catalog = error;
    expect(await refusalOf(room.receive(terminal.envelope(segment.sealed)))).toEqual({ status: 503, code });
    expect(await room.catalog.findRecording(recording.id)).toBeNull();
    room.faults.catalog = undefined;
    const next = recording.next({ frameCount: 20 });
    const answers = await room.receive(terminal.envelope(segment.sealed, next.sealed));
    expect(receipted(answers).toSorted()).toEqual([toHex(segment.hash), toHex(next.hash)].sort());
    expect(await room.catalog.findRecording(recording.id)).toMatchObject({
      streams: [{ segmentCount: 2, highestSequence: 1 }],
    });
  });
});

test("a key store that cannot write gives 503, and nothing is sealed under a key that may be lost", async () => {
  room.faults.keyStore = new ThreadError({ name: "CustodyError", message: "no", code: "ERR_KEYSTORE_COPY" });
  const refused = await refusalOf(room.receive(terminal.envelope(segment.sealed)));
  expect(refused).toEqual({ status: 503, code: "ERR_KEYSTORE_COPY" });
  expect(room.volumes.every(({ appendCount }) => appendCount === 0)).toBe(true);
  room.faults.keyStore = undefined;
  expect(receipted(await room.receive(terminal.envelope(segment.sealed)))).toHaveLength(1);
});

describe("volumes that fail", () => {
  test.each(["ERR_VOLUME_DOWN", "ERR_VOLUME_FULL"] as const)("with %s are replaced by others", async (code) => {
    const [broken] = room.volumes;
    if (broken) broken.failure = code;
    for (let i = 0; i < 4; i += 1) {
      const { sealed, hash } = recording.next({ frameCount: 5 });
      expect(receipted(await room.receive(terminal.envelope(sealed)))).toEqual([toHex(hash)]);
    }
    expect(broken?.items).toEqual([]);
    const row = await room.catalog.findRecording(recording.id);
    const placements = await room.catalog.findSegments(row?.key ?? 0, 0, 0, 1000, 10);
    expect(placements.map(({ copies }) => new Set(copies.map(({ volumeId }) => volumeId)).size)).toEqual([2, 2, 2, 2]);
  });

  test("are too many: 503 at the deadline, no receipt, no memory kept, and the next try works", async () => {
    enter({ deadlineMs: 80 });
    for (const volume of room.volumes.slice(1)) volume.failure = "ERR_VOLUME_DOWN";
    const refused = await refusalOf(room.receive(terminal.envelope(segment.sealed)));
    expect(refused).toEqual({ status: 503, code: "ERR_STORE_UNAVAILABLE" });
    await expect.poll(() => room.control.state).toMatchObject({ bufferedItems: 0, bufferedBytes: 0 });
    expect(await room.catalog.findRecording(recording.id)).toBeNull();
    for (const volume of room.volumes) volume.failure = undefined;
    expect(receipted(await room.receive(terminal.envelope(segment.sealed)))).toEqual([toHex(segment.hash)]);
  });

  test("and say so are too many: 503 at once", async () => {
    for (const volume of room.volumes.slice(1)) volume.state = "down";
    const refused = await refusalOf(room.receive(terminal.envelope(segment.sealed)));
    expect(refused).toEqual({ status: 503, code: "ERR_STORE_UNAVAILABLE" });
    expect(room.events).toEqual([]);
  });

  test("by hanging keep what they hold in the count of the buffer until they let it go", async () => {
    enter({ deadlineMs: 60, volumeCount: 2 });
    const [hung] = room.volumes;
    hung?.hold();
    await refusalOf(room.receive(terminal.envelope(segment.sealed)));
    expect(room.control.state.bufferedItems).toBe(1);
    hung?.release();
    await expect.poll(() => room.control.state).toMatchObject({ bufferedItems: 0, bufferedBytes: 0 });
  });
});

test("a full buffer gives 503 to new uploads and finishes those that it has", async () => {
  enter({ bufferBytesMax: 1000 });
  for (const volume of room.volumes) volume.hold();
  const taken = room.receive(terminal.envelope(recording.next({ frameCount: 600 }).sealed));
  await expect.poll(() => room.control.state.bufferedItems).toBe(1);
  const refused = await refusalOf(room.receive(terminal.envelope(segment.sealed)));
  expect(refused).toEqual({ status: 503, code: "ERR_BUFFER_FULL" });
  for (const volume of room.volumes) volume.release();
  expect(receipted(await taken)).toHaveLength(1);
  expect(receipted(await room.receive(terminal.envelope(segment.sealed)))).toHaveLength(1);
});
