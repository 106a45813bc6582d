/** A terminal killed at random while it records live: at most the open segment is lost, and each loss is a gap. */
import { expect, onTestFinished, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient, RecordingDescription } from "@pericard/server";
import { checkLeftovers } from "../src/crash/check-leftovers.ts";
import { recordingsOf } from "../src/crash/check-recording.ts";
import { catalogHashes, checkStore } from "../src/crash/check-store.ts";
import { COUNTER_ARGS, COUNTER_RATE_HZ, CounterFeed, counterOf } from "../src/crash/counter-feed.ts";
import { readJournal } from "../src/crash/journal-snapshot.ts";
import { Seeded } from "../src/crash/seeded.ts";
import { KILL_COUNT, SEED } from "../src/crash/settings.ts";
import { Site } from "../src/crash/site.ts";
import { tell } from "./support/tell.ts";

/** Frames of one segment, and what may be on the way to the disk when a busy machine kills: one second. */
const SEGMENT_FRAMES = COUNTER_RATE_HZ;
const UNDER_WAY_FRAMES = COUNTER_RATE_HZ;
const RUN_MS = { min: 300, max: 3500 } as const;

/** One run of the terminal: which frames it was fed. */
interface Fed {
  readonly first: number;
  readonly count: number;
}

/** The numbers that a recording's frames carry: the first, and whether each is one more than the one before. */
async function countersOf(client: ApiClient, recording: RecordingDescription) {
  let first: number | undefined;
  let next = 0;
  let consecutive = true;
  for await (const { leads } of client.allSamples(recording)) {
    const [low = new Int32Array(0), high = new Int32Array(0)] = leads;
    for (const [i, value] of low.entries()) {
      const counter = counterOf(value, high[i] ?? -1);
      first ??= counter;
      consecutive &&= counter === first + next;
      next += 1;
    }
  }
  return { first: first ?? -1, count: next, consecutive };
}

test(`a live terminal that is killed loses at most its open segment, seed ${SEED}`, async () => {
  const startedMs = performance.now();
  const random = new Seeded(SEED);
  const site = await Site.open();
  onTestFinished(() => site.remove());
  await site.startAll();
  const folder = site.deploy(1);
  const args = ["terminal", "record", "--data", folder, ...COUNTER_ARGS, "--segment-seconds", "1", "--json"];

  const journalled = new Set<string>();
  const runs: Fed[] = [];
  let first = 0;
  for (let run = 0; run <= KILL_COUNT; run += 1) {
    const terminal = site.spawn(args);
    await terminal.ready;
    const feed = new CounterFeed(terminal.stdin, first);
    await sleep(random.between(RUN_MS.min, RUN_MS.max));
    const isLast = run === KILL_COUNT;
    if (!isLast) expect((await terminal.kill()).signal).toBe("SIGKILL");
    const count = feed.stop();
    runs.push({ first, count });
    // Each run counts on from another number, so that no frame can be taken for one of another run.
    first += count + 1;
    if (isLast) {
      terminal.stdin.end();
      await terminal.success();
      expect(terminal.lines.at(-1)).toMatchObject({ conflicts: 0, rejected: 0, gaps: 0, waiting: 0, quarantined: 0 });
    } else {
      const { hashes, damagedCount } = readJournal(folder);
      expect(damagedCount).toBe(0);
      for (const hash of hashes) journalled.add(hash);
    }
  }

  const client = await site.signIn();
  const recordings = await recordingsOf(client, 1);
  const byFirst = new Map<number, { readonly count: number; readonly recording: RecordingDescription }>();
  for (const recording of recordings) {
    const { first, count, consecutive } = await countersOf(client, recording);
    expect(consecutive).toBe(true);
    expect(recording).toMatchObject({ pendingCount: 0, gaps: [] });
    byFirst.set(first, { count, recording });
  }
  const losses: number[] = [];
  let before: string | undefined;
  for (const [i, { first, count }] of runs.entries()) {
    const stored = byFirst.get(first);
    byFirst.delete(first);
    const lost = count - (stored?.count ?? 0);
    losses.push(lost);
    expect(lost, `frames lost of run ${i}`).toBeGreaterThanOrEqual(0);
    expect(lost, `frames lost of run ${i}`).toBeLessThan(SEGMENT_FRAMES + UNDER_WAY_FRAMES);
    if (!stored) continue;
    const predecessor = before === undefined ? null : { recordingId: before, cause: "restart" };
    expect(stored.recording.predecessor).toEqual(predecessor);
    before = stored.recording.id;
  }
  expect([...byFirst.keys()], "recordings of no run").toEqual([]);
  expect(losses.at(-1), "frames lost of the run that was not killed").toBe(0);
  await site.stopAll();
  const { faults, ...counts } = checkStore(site);
  expect(faults).toEqual([]);
  const stored = catalogHashes(site);
  expect(
    [...journalled].filter((hash) => !stored.has(hash)),
    "journalled and not stored",
  ).toEqual([]);
  expect(await checkLeftovers(site, [1])).toEqual([]);
  const kills = Array<string>(KILL_COUNT).fill("terminal");
  const lostFrames = { most: Math.max(...losses), median: losses.toSorted((a, b) => a - b)[losses.length >> 1] };
  const figures = { seed: SEED, kills, recordings: recordings.length, ...counts, lostFrames };
  tell("live terminal killed", figures, startedMs);
});
