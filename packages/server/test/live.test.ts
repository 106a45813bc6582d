/** Watching: extents as they become durable, and a terminal that is asked to hurry. */
import { request, type ClientRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FOLLOW_SEGMENT_MS } from "../src/retrieval/live.ts";
import { signIn } from "./support/reading.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let recording: TestRecording;
let cookie: string;

beforeAll(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminalOf("somebody").terminal;
  recording = new TestRecording(terminal);
  await site.post(terminal.envelope(recording.next().sealed));
  cookie = await signIn(site);
});
afterAll(() => site.remove());

interface Watching {
  /** Extents that came, as objects. */
  readonly extents: { frameCount: number; state: string }[];
  readonly headers: Record<string, unknown>;
  readonly request: ClientRequest;
}

function watch(id: string): Promise<Watching> {
  return new Promise((resolve, reject) => {
    const url = `${site.server.url}/api/v1/recordings/${id}/live`;
    const sending = request(url, { headers: { cookie } }, (response) => {
      const extents: Watching["extents"] = [];
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        for (const [, json = ""] of text.matchAll(/^event: extent\ndata: (.*)\n\n/gm)) {
          extents.push(JSON.parse(json) as Watching["extents"][number]);
        }
      });
      response.on("error", () => undefined);
      resolve({ extents, headers: response.headers, request: sending });
    });
    sending.on("error", reject);
    sending.end();
  });
}

const commandsNow = async () => (await site.post(terminal.status())).commands;

const extent = (frameCount: number, state: string) => ({ frameCount, state, streams: [{ stream: 0, frameCount }] });

test("an extent comes at once, and after each segment that is stored", async () => {
  const watching = await watch(recording.id);
  expect(watching.headers).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-store" });
  await expect.poll(() => watching.extents).toEqual([extent(250, "live")]);
  await site.post(terminal.envelope(recording.next().sealed));
  await expect.poll(() => watching.extents.at(-1)).toEqual(extent(500, "live"));
  await site.post(terminal.envelope(recording.next({ final: true }).sealed));
  await expect.poll(() => watching.extents.at(-1)).toEqual(extent(750, "complete"));
  const count = watching.extents.length;
  const other = new TestRecording(terminal);
  await site.post(terminal.envelope(other.next().sealed));
  expect(watching.extents).toHaveLength(count);
  watching.request.destroy();
});

describe("the terminal of a recording that somebody watches", () => {
  test("is asked for short segments, by one command however many watch", async () => {
    const watchers = await Promise.all([watch(recording.id), watch(recording.id), watch(recording.id)]);
    await expect.poll(async () => (await commandsNow()).length).toBe(1);
    const [command] = await commandsNow();
    expect(command).toMatchObject({ name: "segment-length", value: FOLLOW_SEGMENT_MS, routing: terminal.routing });
    expect(command?.expiresAtUnixMs).toBeGreaterThan(site.clock.unixMs);
    for (const { request: sending } of watchers) sending.destroy();
  });

  test("that waits for mail gets it at once", async () => {
    const { commands } = await site.post(terminal.status());
    const mailSeen = commands.at(-1)?.mailNumber ?? 0;
    site.pass(1000);
    const waiting = site.post(terminal.status({ mailSeen }), { waitSeconds: 30 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const watching = await watch(recording.id);
    expect((await waiting).commands).toMatchObject([{ name: "segment-length" }]);
    watching.request.destroy();
  });
});

test("a terminal may wait a few times at once, no more: the oldest answers end", async () => {
  const own = site.terminalOf("one that waits").terminal;
  const begun = performance.now();
  const waiting: Promise<number>[] = [];
  for (let i = 0; i < 6; i += 1) {
    waiting.push(site.post(own.status(), { waitSeconds: 3 }).then(() => performance.now() - begun));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  const ended = await Promise.all(waiting);
  expect(ended.filter((ms) => ms < 2000)).toHaveLength(2);
  expect(ended.filter((ms) => ms > 2500)).toHaveLength(4);
});

test("a client that goes away ends its wait and its watch", async () => {
  const own = site.terminalOf("one that goes").terminal;
  const quick = new TestRecording(own);
  await site.post(own.envelope(quick.next().sealed));
  const leaving = new AbortController();
  const waiting = site.post(own.status(), { waitSeconds: 30, signal: leaving.signal });
  const watchers = await Promise.all([watch(quick.id), watch(quick.id)]);
  for (const { request: sending } of watchers) sending.destroy();
  leaving.abort();
  await waiting.catch(() => undefined);
  const gone = request(`${site.server.url}/api/v1/recordings/${quick.id}/live`, { headers: { cookie } });
  gone.on("error", () => undefined);
  gone.end(() => gone.destroy());
  site.pass(120_000);
  await expect.poll(async () => (await site.post(own.status())).commands).toEqual([]);
  expect((await site.post(own.envelope(quick.next().sealed))).receipts).toHaveLength(1);
});
