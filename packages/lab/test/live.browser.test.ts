/** A sample is on a live screen within segment length + 2 s, whoever set the length: the terminal or who watches. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordingDescription } from "@pericard/server";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Child } from "../src/demo/child.ts";
import { eventually, newestRecording, openBed, type Bed } from "./browser/bed.ts";
import { describeInBrowser, openBrowser, signIn, type Browser } from "./browser/chromium.ts";
import { advancesOf, distribution, watchNewest, type Advance } from "./browser/newest.ts";
import { settledPaper } from "./browser/paper.ts";
import { synthesise } from "./browser/records.ts";
import { boundLines, compareTraces } from "./browser/traces.ts";

const RATE_HZ = 500;
const ADVANCES = 20;
/** What the path may take beside the segment's own length. Source: ARCHITECTURE.md. */
const PATH_MS = 2000;
/** 2 px of trace at 25 mm/s, rounded up: the end of the trace is read from pixels. */
const READING_MS = 25;

describeInBrowser("live", () => {
  let bed: Bed;
  let browser: Browser;
  let short: Watched;
  let long: Watched;

  interface Watched {
    readonly child: Child;
    readonly recording: RecordingDescription;
    readonly page: Page;
    readonly openedUnixMs: number;
  }

  beforeAll(async () => {
    bed = await openBed();
    browser = await openBrowser();
    await signIn(browser.page, bed.link());
    short = await watch(1, browser.page, "--seed", "1", "--segment-seconds", "2");
    long = await watch(2, await browser.newPage(), "--seed", "2");
  });

  afterAll(async () => {
    await browser.close();
    await bed.close();
  });

  async function watch(number: number, page: Page, ...source: readonly string[]): Promise<Watched> {
    const startedUnixMs = Date.now();
    const child = await bed.start(number, "--synthetic", ...source);
    const recording = await newestRecording(await bed.api(), number, ({ state }) => state === "live");
    const seenUnixMs = Date.now();
    expect(recording.start.certainty).toBe("measured");
    const start = recording.start.unixMs ?? Number.NaN;
    expect(start, "a recording starts after its terminal").toBeGreaterThan(startedUnixMs);
    expect(start, "and before its first segment").toBeLessThan(seenUnixMs - (1000 * recording.frameCount) / RATE_HZ);
    await page.goto(`${bed.serverUrl}/recordings/${recording.id}`);
    await watchNewest(page);
    return { child, recording, page, openedUnixMs: Date.now() };
  }

  async function advances({ page, recording }: Watched): Promise<readonly Advance[]> {
    return advancesOf(page, recording.start.unixMs ?? Number.NaN, RATE_HZ);
  }

  it("shows segments of 2 s within 4 s", async ({ annotate }) => {
    const seen = await eventually(`${ADVANCES} advances`, async () => {
      const found = await advances(short);
      return found.length >= ADVANCES ? found : undefined;
    });
    const oldest = seen.map(({ oldestMs }) => oldestMs);
    await annotate(`2 s segments, oldest sample of each: ${distribution(oldest)}`);
    await annotate(`2 s segments, newest sample of each: ${distribution(seen.map(({ newestMs }) => newestMs))}`);
    expect(Math.max(...oldest)).toBeLessThan(2000 + PATH_MS + READING_MS);
    expect(Math.min(...seen.map(({ newestMs }) => newestMs)), "no sample is seen before it is").toBeGreaterThan(
      -READING_MS,
    );
    expect(await short.page.getByTestId("live-status").innerText()).toMatch(/^[0-4] s behind now$/);
  });

  it("makes a terminal of 10 s segments send 2 s segments to who follows it", async ({ annotate }) => {
    const seen = await eventually("short advances", async () => {
      const found = await advances(long);
      return found.filter(isShort).length >= 8 ? found : undefined;
    });
    const first = seen.findIndex(isShort);
    const slow = seen.slice(0, first);
    const quick = seen.slice(first);
    if (slow.length > 0) await annotate(`before the change: ${distribution(slow.map(({ oldestMs }) => oldestMs))}`);
    await annotate(`after the change, oldest sample of each: ${distribution(quick.map(({ oldestMs }) => oldestMs))}`);
    expect(slow.length, "the length changes with the next segment").toBeLessThanOrEqual(1);
    for (const { oldestMs } of slow) expect(oldestMs).toBeLessThan(10_000 + PATH_MS + READING_MS);
    for (const { oldestMs } of quick) expect(oldestMs).toBeLessThan(2000 + PATH_MS + READING_MS);
  });

  it("follows until the reader looks back, and again when asked", async () => {
    const { page } = short;
    const view = page.getByTestId("recording-view");
    expect(await view.getAttribute("data-following")).toBe("true");
    await page.keyboard.press("Home");
    expect(await view.getAttribute("data-following")).toBe("false");
    const before = await settledPaper(page);
    await sleep(2500);
    expect((await settledPaper(page)).fromFrame).toBe(before.fromFrame);
    await page.getByTestId("follow-live").click();
    expect(await view.getAttribute("data-following")).toBe("true");
    await page.keyboard.press("l");
    expect(await view.getAttribute("data-following")).toBe("false");
    await page.keyboard.press("l");
    expect(await view.getAttribute("data-following")).toBe("true");
  });

  it("becomes a complete recording when the terminal stops, each sample in its place", async () => {
    const { page, child, recording } = short;
    await child.stop();
    await eventually("the complete state", async () => {
      const state = await page.getByTestId("state-badge").getAttribute("data-state");
      return state === "complete" ? state : undefined;
    });
    expect(await page.getByTestId("follow-live").count()).toBe(0);
    const paper = await settledPaper(page);
    const { frameCount } = await (await bed.api()).recording(recording.id);
    const truth = synthesise({ seed: 1, heartRateBpm: 72 }, frameCount);
    const found = compareTraces(paper, truth, boundLines(paper, frameCount));
    expect(found).toMatchObject({ lost: 0, lostPeaks: 0, strays: 0, leads: 12 });
    expect((frameCount - paper.fromFrame) * paper.pxPerFrame, "its end is in view").toBeLessThan(paper.width);
  });

  it("runs without an error in the console", () => {
    expect(browser.errors).toEqual([]);
  });
});

/** A segment of 2 s, not of 10. */
function isShort({ frames }: Advance): boolean {
  return frames < 3 * RATE_HZ;
}
