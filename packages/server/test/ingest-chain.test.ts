/** Idempotence and chain: what is stored once, what waits for its predecessor, what contradicts. */
import { sha256 } from "@pericard/crypto";
import { toHex } from "@pericard/protocol";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "./support/http.ts";
import { TestRecording, type MadeSegment } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;

beforeAll(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminalOf("somebody").terminal;
});
afterAll(() => site.remove());

const upload = (...segments: readonly MadeSegment[]): Promise<Answer> =>
  site.post(terminal.envelope(...segments.map(({ sealed }) => sealed)));

const hashes = (...segments: readonly MadeSegment[]): readonly string[] =>
  segments.map(({ hash }) => toHex(hash)).sort();

async function rowOf(recording: TestRecording) {
  const row = await site.server.context.catalog.findRecording(recording.id);
  if (!row) throw new Error("recording is not stored");
  return row;
}

async function missingOf(recording: TestRecording) {
  return site.server.context.catalog.findMissing((await rowOf(recording)).key, 0);
}

function auditActions(): readonly string[] {
  const database = new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { readOnly: true });
  const rows = database.prepare("SELECT action FROM audit ORDER BY number").all();
  database.close();
  return rows.map((row) => String(row["action"]));
}

describe("the same again", () => {
  test("a replayed envelope gets an equivalent receipt and is stored once", async () => {
    const recording = new TestRecording(terminal);
    const envelope = terminal.envelope(...recording.take(3).map(({ sealed }) => sealed));
    const first = await site.post(envelope);
    const stored = site.packBytes;
    const second = await site.post(envelope);
    expect(second.receipted).toEqual(first.receipted);
    expect(second.receipts[0]).toMatchObject({ routing: terminal.routing, copyCount: 2 });
    expect(site.packBytes).toBe(stored);
    expect(await rowOf(recording)).toMatchObject({ streams: [{ segmentCount: 3, highestSequence: 2 }] });
  });

  test("another gap for the same place is receipted and not stored", async () => {
    const recording = new TestRecording(terminal);
    await upload(recording.next());
    const [first, second] = [7, 8].map((monotonicMs) => terminal.gap(recording.id, 1, { monotonicMs })) as [
      Uint8Array,
      Uint8Array,
    ];
    expect(toHex(first)).not.toBe(toHex(second));
    expect((await site.post(first)).receipted).toEqual([toHex(sha256(first))]);
    const stored = site.packBytes;
    expect((await site.post(second)).receipted).toEqual([toHex(sha256(second))]);
    expect(site.packBytes).toBe(stored);
  });

  test("the same segment twice in one envelope is stored once", async () => {
    const recording = new TestRecording(terminal);
    const segment = recording.next();
    const answer = await upload(segment, segment);
    expect(new Set(answer.receipted)).toEqual(new Set(hashes(segment)));
    expect(await rowOf(recording)).toMatchObject({ streams: [{ segmentCount: 1 }] });
  });

  test("uploads of one envelope at once store it once, and each gets its receipt", async () => {
    const recording = new TestRecording(terminal);
    const envelope = terminal.envelope(...recording.take(4, { frameCount: 20 }).map(({ sealed }) => sealed));
    const before = site.packBytes;
    const single = await site.post(envelope);
    const oneEnvelope = site.packBytes - before;
    const again = new TestRecording(terminal);
    const other = terminal.envelope(...again.take(4, { frameCount: 20 }).map(({ sealed }) => sealed));
    const answers = await Promise.all(Array.from({ length: 8 }, () => site.post(other)));
    expect(new Set(answers.map(({ receipted }) => receipted.join(","))).size).toBe(1);
    expect(single.receipted).toHaveLength(4);
    expect(Math.abs(site.packBytes - before - 2 * oneEnvelope)).toBeLessThan(200);
    expect(await rowOf(again)).toMatchObject({ streams: [{ segmentCount: 4 }] });
  });

  test("different segments of one stream may come at once and in any order", async () => {
    const recording = new TestRecording(terminal);
    const segments = recording.take(12, { frameCount: 20 });
    const answers = await Promise.all(segments.toReversed().map((segment) => upload(segment)));
    expect(answers.flatMap(({ receipted }) => receipted).sort()).toEqual(hashes(...segments));
    expect(answers.flatMap(({ conflicts }) => conflicts)).toEqual([]);
    expect(await rowOf(recording)).toMatchObject({
      streams: [{ segmentCount: 12, highestSequence: 11, endFrame: 240 }],
    });
    expect(await missingOf(recording)).toEqual([]);
  });

  test("streams do not wait for each other", async () => {
    const recordings = Array.from({ length: 6 }, () => new TestRecording(terminal));
    const answers = await Promise.all(recordings.map((recording) => upload(...recording.take(2, { frameCount: 9 }))));
    expect(answers.every(({ receipted }) => receipted.length === 2)).toBe(true);
  });
});

describe("a missing predecessor", () => {
  test("is pending: what follows is stored and receipted, and the hole is filled later", async () => {
    const recording = new TestRecording(terminal);
    const [first, second, third, fourth] = recording.take(4, { frameCount: 50 }) as [
      MadeSegment,
      MadeSegment,
      MadeSegment,
      MadeSegment,
    ];
    expect((await upload(fourth, first)).receipted).toEqual(hashes(first, fourth));
    expect(await missingOf(recording)).toEqual([{ fromFrame: 50, toFrame: 150, cause: "pending", sequenceCount: 2 }]);
    expect((await upload(third)).receipted).toEqual(hashes(third));
    expect(await missingOf(recording)).toEqual([{ fromFrame: 50, toFrame: 100, cause: "pending", sequenceCount: 1 }]);
    expect((await upload(second)).receipted).toEqual(hashes(second));
    expect(await missingOf(recording)).toEqual([]);
  });

  test("is explained only when the terminal gave up every place of the hole", async () => {
    const recording = new TestRecording(terminal);
    const segments = recording.take(5, { frameCount: 10 });
    await upload(segments[0] as MadeSegment, segments[4] as MadeSegment);
    await site.post(terminal.gap(recording.id, 2));
    expect(await missingOf(recording)).toEqual([{ fromFrame: 10, toFrame: 40, cause: "pending", sequenceCount: 2 }]);
    await site.post(terminal.gap(recording.id, 1));
    await site.post(terminal.gap(recording.id, 3));
    expect(await missingOf(recording)).toEqual([{ fromFrame: 10, toFrame: 40, cause: "unreadable", sequenceCount: 3 }]);
  });
});

async function expectConflict(cause: string, recording: TestRecording, segment: MadeSegment): Promise<void> {
  // Repeats within an hour are counted, not written.
  site.pass(3_600_000);
  const before = { bytes: site.packBytes, row: await rowOf(recording), audit: auditActions().length };
  const answer = await upload(segment);
  expect(answer).toMatchObject({ status: 200, receipts: [] });
  expect(answer.conflicts).toMatchObject([
    { cause, recording: recording.id, stream: 0, sequence: segment.sequence, routing: terminal.routing },
  ]);
  expect(answer.conflicts.map(({ hash }) => toHex(hash))).toEqual(hashes(segment));
  expect(site.packBytes).toBe(before.bytes);
  expect(await rowOf(recording)).toEqual(before.row);
  expect(auditActions().slice(before.audit)).toEqual([`conflict ${cause} ${recording.id} ${segment.sequence}`]);
}

describe("a contradiction gets a signed conflict, an entry in the audit trail, and nothing is stored", () => {
  test("when another segment has its place", async () => {
    const recording = new TestRecording(terminal);
    const segment = recording.next();
    await upload(segment);
    await expectConflict("sequence", recording, recording.at(0, null, 0));
    expect((await upload(segment)).receipted).toEqual(hashes(segment));
  });

  test("when another segment has its place, in an older part that no cache holds", async () => {
    const recording = new TestRecording(terminal);
    await upload(...recording.take(6, { frameCount: 10 }));
    await expectConflict(
      "sequence",
      recording,
      recording.at(2, recording.made[1]?.hash ?? null, 20, { frameCount: 10 }),
    );
  });

  test("when two segments of one envelope want one place, the first is taken", async () => {
    const recording = new TestRecording(terminal);
    const segment = recording.next();
    const answer = await upload(segment, recording.at(0, null, 0));
    expect(answer.receipted).toEqual(hashes(segment));
    expect(answer.conflicts).toMatchObject([{ cause: "sequence" }]);
  });

  test("when its prev is not the hash of the segment before it", async () => {
    const recording = new TestRecording(terminal);
    await upload(recording.next());
    await expectConflict("chain", recording, recording.at(1, new Uint8Array(32), 250));
    await expectConflict("chain", recording, recording.at(1, null, 250));
  });

  test("when the segment after it has another prev", async () => {
    const recording = new TestRecording(terminal);
    const [, , third] = recording.take(3);
    await upload(third as MadeSegment);
    await expectConflict("chain", recording, recording.at(1, null, 250));
  });

  test("when it comes after the final one, or is final before known ones", async () => {
    const recording = new TestRecording(terminal);
    recording.take(2);
    const final = recording.next({ final: true });
    await upload(...recording.made);
    await expectConflict("final", recording, recording.at(3, final.hash, 750));
    await expectConflict("final", recording, recording.at(9, null, 9000));
    const open = new TestRecording(terminal);
    const [, , third] = open.take(3);
    await upload(third as MadeSegment);
    await expectConflict("final", open, open.at(0, null, 0, { final: true }));
  });

  test("when its frames overlap a neighbour's", async () => {
    const recording = new TestRecording(terminal);
    const first = recording.next();
    await upload(first);
    await expectConflict("overlap", recording, recording.at(1, first.hash, 249));
  });

  test("when its frames overlap those of the nearest segments that are known", async () => {
    const recording = new TestRecording(terminal);
    await upload(recording.next());
    await expectConflict("overlap", recording, recording.at(5, null, 100));
    await upload(recording.at(9, null, 5000));
    await expectConflict("overlap", recording, recording.at(4, null, 4900));
    expect((await upload(recording.at(4, null, 4750))).receipts).toHaveLength(1);
  });
});

test("after a conflict the samples may come in a new recording", async () => {
  const recording = new TestRecording(terminal);
  await upload(recording.next());
  const lost = recording.at(0, null, 0);
  expect((await upload(lost)).conflicts).toHaveLength(1);
  const predecessor = { recording: recording.id, cause: "conflict" } as const;
  const anew = new TestRecording(terminal, recording.shape, { predecessor });
  expect((await upload(anew.next({ leads: lost.leads }))).receipts).toHaveLength(1);
  expect((await rowOf(recording)).successor).toEqual({ recording: anew.id, cause: "conflict" });
});
