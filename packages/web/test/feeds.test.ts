import { expect, test } from "vitest";
import { followLive } from "../src/api/live.ts";
import type { EventStream } from "../src/api/live.ts";
import type { Recording, SummaryBlock } from "../src/api/types.ts";
import { OverviewFeed } from "../src/data/overview-feed.ts";
import { RecordingFeed } from "../src/data/recording-feed.ts";
import { singleFlight } from "../src/data/single-flight.ts";
import { recordingOf } from "./fixtures.ts";

class FakeStream implements EventStream {
  readyState = 1;
  closed = false;
  readonly #listeners = new Map<string, (event: { readonly data?: unknown }) => void>();

  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void {
    this.#listeners.set(type, listener);
  }

  emit(type: string): void {
    this.#listeners.get(type)?.({});
  }

  close(): void {
    this.closed = true;
  }
}

interface Tasks {
  readonly schedule: (task: () => void, delayMs: number) => () => void;
  readonly runAll: () => void;
}

function tasks(): Tasks {
  const waiting = new Set<() => void>();
  return {
    schedule: (task) => {
      waiting.add(task);
      return () => waiting.delete(task);
    },
    runAll: () => {
      const due = [...waiting];
      waiting.clear();
      for (const task of due) task();
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("calls during a run are answered by one more run", async () => {
  let runs = 0;
  const trigger = singleFlight(async () => {
    runs += 1;
    await settled();
  });
  for (let call = 0; call < 5; call++) trigger();
  await settled();
  await settled();
  await settled();
  expect(runs).toBe(2);
});

test("events are followed again after the server closed them for good", () => {
  const streams: FakeStream[] = [];
  const { schedule, runAll } = tasks();
  const connected: boolean[] = [];
  let news = 0;
  const open = (): FakeStream => {
    const stream = new FakeStream();
    streams.push(stream);
    return stream;
  };
  const stop = followLive({
    open,
    schedule,
    onExtent: () => (news += 1),
    onConnected: (state) => connected.push(state),
  });
  streams[0]?.emit("error");
  runAll();
  expect(streams).toHaveLength(1);
  if (streams[0] !== undefined) streams[0].readyState = 2;
  streams[0]?.emit("error");
  runAll();
  expect(streams).toHaveLength(2);
  streams[1]?.emit("open");
  expect(news).toBe(2);
  stop();
  expect(streams[1]?.closed).toBe(true);
  expect(connected).toEqual([false, false, true]);
});

test("a live recording is loaded again with each event until it is complete", async () => {
  const stream = new FakeStream();
  const answers: Recording[] = [
    recordingOf({ state: "live", frameCount: 100 }),
    recordingOf({ state: "live", frameCount: 200 }),
    recordingOf({ state: "complete", frameCount: 250 }),
  ];
  const load = async (): Promise<Recording> => answers.shift() ?? recordingOf();
  const feed = new RecordingFeed({ load, openEvents: () => stream, nowUnixMs: () => 42, schedule: tasks().schedule });
  const stop = feed.start();
  await settled();
  expect(feed.snapshot()).toMatchObject({ recording: { frameCount: 100 }, grewAtUnixMs: undefined });
  stream.emit("extent");
  await settled();
  expect(feed.snapshot()).toMatchObject({ recording: { frameCount: 200 }, grewAtUnixMs: 42 });
  stream.emit("extent");
  await settled();
  expect(feed.snapshot().recording?.state).toBe("complete");
  expect(stream.closed).toBe(true);
  stop();
});

test("a complete recording opens no events; a failed refresh keeps what is known", async () => {
  let opened = 0;
  const openEvents = (): FakeStream => {
    opened += 1;
    return new FakeStream();
  };
  const answers: (() => Promise<Recording>)[] = [
    async () => recordingOf(),
    async () => Promise.reject(new TypeError("network")),
  ];
  const load = (): Promise<Recording> => (answers.shift() ?? (async () => recordingOf()))();
  const feed = new RecordingFeed({ load, openEvents, nowUnixMs: () => 0, schedule: tasks().schedule });
  feed.start();
  await settled();
  feed.reload();
  await settled();
  expect(opened).toBe(0);
  expect(feed.snapshot()).toMatchObject({ recording: { id: "r1" }, error: { code: "ERR_SERVER_UNREACHABLE" } });
});

test("the overview is asked for at once, then not before its pause is over", async () => {
  const asked: number[] = [];
  const { schedule, runAll } = tasks();
  const load = async (frameCount: number): Promise<SummaryBlock> => {
    asked.push(frameCount);
    return { kind: "summary", fromFrame: 0, toFrame: frameCount, framesPerBucket: 1, bucketCount: 0, leads: [] };
  };
  const feed = new OverviewFeed({ load, schedule });
  for (const frameCount of [0, 100]) feed.update(frameCount);
  await settled();
  for (const frameCount of [200, 300]) feed.update(frameCount);
  await settled();
  expect(asked).toEqual([100]);
  runAll();
  await settled();
  expect(asked).toEqual([100, 300]);
  expect(feed.snapshot()?.toFrame).toBe(300);
});
