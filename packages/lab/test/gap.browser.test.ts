/** What was not recorded is shown as such: hatched, named, and bridged by no line; a restart links two recordings. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordingDescription } from "@pericard/server";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually, newestRecording, openBed, type Bed } from "./browser/bed.ts";
import { describeInBrowser, openBrowser, PHONE, signIn, type Browser } from "./browser/chromium.ts";
import { brightnessAt, DARK, settledPaper, type Paper } from "./browser/paper.ts";
import { synthesise, withGap, type Truth } from "./browser/records.ts";
import { boundLines, compareTraces, gapLabels } from "./browser/traces.ts";

const RATE_HZ = 500;
const SECONDS = 120;
const DAMAGED = { serial: 1, seed: 4, heartRateBpm: 64 };

describeInBrowser("gaps", () => {
  let bed: Bed;
  let browser: Browser;
  let recording: RecordingDescription;
  let gap: RecordingDescription["gaps"][number];
  let truth: Truth;

  beforeAll(async () => {
    bed = await openBed();
    const source = ["--synthetic", "--seed", String(DAMAGED.seed), "--heart-rate", String(DAMAGED.heartRateBpm)];
    await bed.run(DAMAGED.serial, "record", ...source, "--hours", String(SECONDS / 3600), "--no-upload");
    damageJournal(bed.paths.terminal(DAMAGED.serial));
    await bed.run(DAMAGED.serial, "upload");
    recording = await newestRecording(await bed.api(), DAMAGED.serial);
    const [only] = recording.gaps;
    if (!only) throw new Error("the damaged item is not stated as a gap");
    gap = only;
    const whole = synthesise({ seed: DAMAGED.seed, heartRateBpm: DAMAGED.heartRateBpm }, SECONDS * RATE_HZ);
    truth = withGap(whole, gap.fromFrame, gap.toFrame);
    browser = await openBrowser();
    await signIn(browser.page, bed.link());
  });

  afterAll(async () => {
    await browser.close();
    await bed.close();
  });

  async function lookAt(seconds: number, speed: string): Promise<Paper> {
    await browser.page.goto(`${bed.serverUrl}/recordings/${recording.id}?at=${seconds}`);
    await browser.page.getByTestId("speed").selectOption(speed);
    return settledPaper(browser.page);
  }

  it("is one segment long", () => {
    expect(recording.gaps).toEqual([{ ...gap, cause: "unreadable" }]);
    expect(gap.toFrame - gap.fromFrame).toBe(10 * RATE_HZ);
    expect(recording.frameCount).toBe(SECONDS * RATE_HZ);
  });

  for (const [speed, before] of [
    ["25", 3],
    ["12.5", 6],
  ] as const) {
    it(`is hatched, and no line crosses it, at ${speed} mm/s`, async () => {
      const paper = await lookAt(gap.fromFrame / RATE_HZ - before, speed);
      expect(paper.resolution).toBe("samples");
      const found = compareTraces(paper, truth, [...boundLines(paper, recording.frameCount), gapLabels(paper)]);
      expect(found).toMatchObject({ lost: 0, lostPeaks: 0, strays: 0, leads: 12 });
      expect(found.samples).toBeGreaterThan(10_000);
      expectHatched(paper, gap);
    });
  }

  it("is hatched, and no column crosses it, when the whole recording is in view", async () => {
    const paper = await lookAt(0, "whole");
    expect(paper.resolution).toBe("summary");
    expectHatched(paper, gap);
    expect(darkColumns(paper, { fromFrame: 10 * RATE_HZ, toFrame: 20 * RATE_HZ })).toBe(1);
  });

  it("can be gone to, and says how long it is and why", async () => {
    const { page } = browser;
    await lookAt(0, "25");
    await page.getByTestId("gap-menu").getByText("1 gap").click();
    const item = page.getByTestId("gap-menu").getByRole("button");
    expect(await item.innerText()).toMatch(/10 s[\s\S]*unreadable/);
    await item.click();
    const paper = await settledPaper(page);
    const centre = ((gap.fromFrame + gap.toFrame) / 2 - paper.fromFrame) * paper.pxPerFrame;
    expect(Math.abs(centre - (paper.width + paper.gutterPx) / 2)).toBeLessThan(2);
  });

  it("is listed within the window of a phone", async () => {
    const phone = await openBrowser(PHONE);
    try {
      await signIn(phone.page, bed.link());
      await phone.page.goto(`${bed.serverUrl}/recordings/${recording.id}`);
      await settledPaper(phone.page);
      await phone.page.getByTestId("gap-menu").getByText("1 gap").tap();
      const box = await phone.page.getByTestId("gap-menu").getByRole("list").boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual(0);
      expect((box?.x ?? 0) + (box?.width ?? Number.NaN)).toBeLessThanOrEqual(PHONE.width);
      await phone.page.getByTestId("gap-menu").getByRole("button").tap();
      await settledPaper(phone.page);
      expect(await phone.page.getByTestId("position").innerText()).toContain("0:01:0");
    } finally {
      await phone.close();
    }
  });

  it("links the recordings before and after a killed terminal", async () => {
    const first = await bed.start(2, "--synthetic", "--segment-seconds", "1");
    const api = await bed.api();
    const earlier = await newestRecording(api, 2, ({ frameCount }) => frameCount >= 2 * RATE_HZ);
    first.process.kill("SIGKILL");
    await first.ended;
    const second = await bed.start(2, "--synthetic", "--segment-seconds", "1");
    const later = await newestRecording(api, 2, ({ id }) => id !== earlier.id);
    const { page } = browser;
    await page.goto(`${bed.serverUrl}/recordings/${earlier.id}?at=end`);
    const successor = page.getByTestId("successor");
    await successor.waitFor();
    expect(await successor.innerText()).toMatch(/Later part.*restart/);
    await expectState(page, (state) => state !== "live");
    await successor.click();
    await page.waitForURL(`**/recordings/${later.id}`);
    await expectState(page, (state) => state === "live");
    const predecessor = page.getByTestId("predecessor");
    expect(await predecessor.innerText()).toMatch(/Earlier part.*restart/);
    await second.stop();
    await expectState(page, (state) => state === "complete");
    await predecessor.click();
    await page.waitForURL(`**/recordings/${earlier.id}?at=end`);
    const paper = await settledPaper(page);
    const { frameCount } = await api.recording(earlier.id);
    expect((frameCount - paper.fromFrame) * paper.pxPerFrame).toBeLessThan(paper.width);
  });

  it("is shown without an error in the console", () => {
    expect(browser.errors).toEqual([]);
  });
});

/** Flips one byte in the middle of the journal: one item of it cannot be read any more. */
function damageJournal(folder: string): void {
  const name = readdirSync(folder).find((file) => file.startsWith("journal-"));
  if (name === undefined) throw new Error(`no journal in ${folder}`);
  const bytes = readFileSync(join(folder, name));
  const middle = Math.floor(bytes.length * 0.55);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  writeFileSync(join(folder, name), bytes);
}

interface Frames {
  readonly fromFrame: number;
  readonly toFrame: number;
}

/** Device px columns of frames that are in view, two px away from their ends. */
function columnsOf(
  { fromFrame, pxPerFrame, scale, gutterPx, width }: Paper,
  frames: Frames,
): readonly [number, number] {
  const x = (frame: number): number => (frame - fromFrame) * pxPerFrame * scale;
  return [Math.ceil(Math.max(gutterPx * scale, x(frames.fromFrame)) + 2), Math.min(width, x(frames.toFrame) - 2)];
}

/** Share of columns with a dark pixel below the line that names gaps. */
function darkColumns(paper: Paper, frames: Frames): number {
  const [from, to] = columnsOf(paper, frames);
  let dark = 0;
  let all = 0;
  for (let x = from; x < to; x++) {
    let found = false;
    for (let y = 24 * paper.scale; y < paper.height && !found; y++) found = brightnessAt(paper, x, y) < DARK;
    dark += Number(found);
    all += 1;
  }
  return dark / all;
}

/** A gap has diagonal lines from top to bottom, no grid and no trace. */
function expectHatched(paper: Paper, gap: Frames): void {
  expect(darkColumns(paper, gap)).toBe(0);
  const [from, to] = columnsOf(paper, gap);
  expect(to - from).toBeGreaterThan(20);
  for (let y = 24; y < paper.height; y += 7) {
    let lines = 0;
    for (let x = from; x < to; x++) lines += Number(brightnessAt(paper, x, y) < 210);
    expect(lines / (to - from), `hatching at ${y} px`).toBeGreaterThan(0.1);
    expect(lines / (to - from), `hatching at ${y} px`).toBeLessThan(0.5);
  }
}

/** Waits until the recording's badge says so. */
async function expectState(page: Page, passes: (state: string | null) => boolean): Promise<void> {
  const badge = page.getByTestId("state-badge");
  await badge.waitFor();
  await eventually(
    "the state",
    async () => (passes(await badge.getAttribute("data-state")) ? true : undefined),
    25_000,
  );
}
