/** Two servers over one catalog: what one remembers of a stream is old when the other has stored more of it. */
import { Conflict, decodeSegmentBody, parseSigned, Receipt, toHex } from "@pericard/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { IngestFoundation, IngestRoom } from "./support/ingest-room.ts";
import { MIXED_SHAPE, TestRecording, type MadeSegment, type SegmentWish } from "./support/test-recording.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

const FRAMES = 20;

let foundation: IngestFoundation;
let here: IngestRoom;
let there: IngestRoom;
let terminal: TestTerminal;
let recording: TestRecording;

beforeAll(() => {
  foundation = new IngestFoundation();
  terminal = foundation.site.terminalOf("somebody").terminal;
});
afterAll(() => foundation.remove());
/** Each server takes one segment; the first knows nothing of what the second took. */
beforeEach(async () => {
  [here, there] = [new IngestRoom(foundation), new IngestRoom(foundation)];
  recording = new TestRecording(terminal);
  expect(await send(here, recording.next({ frameCount: FRAMES }))).toEqual({ receipted: [0], conflicts: [] });
  expect(await send(there, recording.next({ frameCount: FRAMES }))).toEqual({ receipted: [1], conflicts: [] });
});
afterEach(() => {
  here.close();
  there.close();
});

/** Sends segments; sequences that were receipted, and those in conflict with their causes. */
async function send(room: IngestRoom, ...segments: readonly MadeSegment[]) {
  const answers = await room.receive(terminal.envelope(...segments.map(({ sealed }) => sealed)));
  const messages = answers.map((bytes) => parseSigned(bytes));
  const payloads = (type: string) => messages.filter((one) => one.type === type).map(({ payload }) => payload);
  const receipts = payloads("pericard/receipt").map((payload) => Receipt.decode(payload));
  const hashes = new Set(receipts.flatMap((receipt) => receipt.hashes.map(toHex)));
  const conflicts = payloads("pericard/conflict").map((payload) => Conflict.decode(payload));
  return {
    receipted: segments.filter(({ hash }) => hashes.has(toHex(hash))).map(({ sequence }) => sequence),
    conflicts: conflicts.map(({ sequence, cause }) => `${sequence} ${cause}`),
  };
}

/** A segment that the chain does not expect. */
const stray = (sequence: number, prev: Uint8Array | null, wish: SegmentWish = {}): MadeSegment =>
  recording.at(sequence, prev, FRAMES * sequence, { frameCount: FRAMES, ...wish });

const [first, second] = [() => recording.made[0] as MadeSegment, () => recording.made[1] as MadeSegment];

test("what both get is receipted by both, and only what is new is handed on", async () => {
  const third = recording.next({ frameCount: FRAMES });
  expect(await send(here, second(), third)).toEqual({ receipted: [1, 2], conflicts: [] });
  const { stored, plain } = here.handedOn.at(-1) ?? {};
  expect(stored?.items.map(({ sequence }) => sequence)).toEqual([2]);
  expect(plain?.map((bytes) => decodeSegmentBody(bytes).descriptor.firstFrame)).toEqual([third.firstFrame]);
  expect(await here.catalog.findRecording(recording.id)).toMatchObject({
    streams: [{ segmentCount: 3, highestSequence: 2, endFrame: 3 * FRAMES }],
  });
});

test("what the other has already is not handed on at all", async () => {
  const before = here.handedOn.length;
  expect(await send(here, second())).toEqual({ receipted: [1], conflicts: [] });
  expect(here.handedOn).toHaveLength(before);
});

const CONTRADICTIONS: readonly [string, () => MadeSegment][] = [
  ["1 sequence", () => stray(1, first().hash)],
  ["2 chain", () => stray(2, first().hash)],
  ["2 overlap", () => recording.at(2, second().hash, FRAMES + 1, { frameCount: FRAMES })],
  ["2 shape", () => new TestRecording(terminal, MIXED_SHAPE, {}, recording.id).at(2, second().hash, 2 * FRAMES)],
];

test.each(CONTRADICTIONS)("a contradiction to what the other has gets its cause: %s", async (cause, make) => {
  const before = here.handedOn.length;
  expect(await send(here, make())).toEqual({ receipted: [], conflicts: [cause] });
  expect(here.handedOn).toHaveLength(before);
  expect(await here.catalog.findRecording(recording.id)).toMatchObject({ streams: [{ segmentCount: 2 }] });
});

test("what lies after the other's final one is a contradiction", async () => {
  await send(there, recording.next({ frameCount: FRAMES, final: true }));
  const beyond = recording.next({ frameCount: FRAMES });
  expect(await send(here, beyond)).toEqual({ receipted: [], conflicts: ["3 final"] });
});

test("what follows a contradiction in its package is one too, and the rest is stored", async () => {
  const third = stray(2, second().hash);
  await send(there, recording.next({ frameCount: FRAMES }));
  const fourth = stray(3, third.hash);
  const far = stray(9, new Uint8Array(32));
  expect(await send(here, third, fourth, far)).toEqual({ receipted: [9], conflicts: ["2 sequence", "3 chain"] });
  expect(here.handedOn.at(-1)?.stored.items.map(({ sequence }) => sequence)).toEqual([9]);
});

test("after a contradiction a server knows the stream again", async () => {
  expect((await send(here, stray(2, first().hash))).conflicts).toEqual(["2 chain"]);
  expect(await send(here, recording.next({ frameCount: FRAMES }))).toEqual({ receipted: [2], conflicts: [] });
});
