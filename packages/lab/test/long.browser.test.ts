/** Hours of recording: every place is reached at once, and what stands for many samples shows their true extent. */
import { createSynthesiser } from "@pericard/ecg";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBed, type Bed } from "./browser/bed.ts";
import { describeInBrowser, openBrowser, signIn, type Browser } from "./browser/chromium.ts";
import { brightnessAt, DARK, settledPaper, type Paper } from "./browser/paper.ts";

const RATE_HZ = 500;
const HOURS = 6;
const FRAMES = HOURS * 3600 * RATE_HZ;
const SEED = 6;
const LEAD_II = 1;
/** Longer than this, and a reader wonders whether anything happens. */
const SEEN_MS = 5000;

describeInBrowser("a recording of hours", () => {
  let bed: Bed;
  let browser: Browser;
  let page: Page;
  let id: string;

  beforeAll(async () => {
    bed = await openBed();
    const source = ["--synthetic", "--seed", String(SEED), "--hours", String(HOURS)];
    id = await bed.record(1, ...source, "--segment-seconds", "60");
    browser = await openBrowser();
    ({ page } = browser);
    await signIn(page, bed.link());
    await page.goto(`${bed.serverUrl}/recordings/${id}`);
    await settledPaper(page);
  });

  afterAll(async () => {
    await browser.close();
    await bed.close();
  });

  async function press(key: string): Promise<Paper> {
    await page.keyboard.press(key);
    return settledPaper(page, SEEN_MS);
  }

  it("is moved through by keys", async () => {
    const start = await press("Home");
    expect(leftSeconds(start)).toBeLessThanOrEqual(0);
    const window = rightSeconds(start) - leftSeconds(start);
    const next = await press("PageDown");
    expect(leftSeconds(next) - leftSeconds(start)).toBeCloseTo(0.9 * window, 3);
    expect(leftSeconds(await press("PageUp"))).toBeCloseTo(leftSeconds(start), 3);
    expect(leftSeconds(await press("ArrowRight")) - leftSeconds(start)).toBeCloseTo(0.1 * window, 3);
    const end = await press("End");
    expect(rightSeconds(end)).toBeGreaterThanOrEqual(HOURS * 3600);
    expect(rightSeconds(end)).toBeLessThan(HOURS * 3600 + 1);
    expect(await page.getByTestId("position").innerText()).toContain("6:00:00");
    expect(leftSeconds(await press("Shift+ArrowLeft")) - leftSeconds(end)).toBeCloseTo(-0.2, 3);
    expect(leftSeconds(await press("Home"))).toBeCloseTo(leftSeconds(start), 3);
  });

  it("is zoomed out by keys until the whole of it is in view", async ({ annotate }) => {
    const speeds: number[] = [];
    for (;;) {
      const before = performance.now();
      const paper = await press("-");
      await annotate(
        `${paper.speedMmPerS.toPrecision(3)} mm/s settled after ${Math.round(performance.now() - before)} ms`,
      );
      if (paper.speedMmPerS === speeds.at(-1)) break;
      speeds.push(paper.speedMmPerS);
    }
    const whole = await settledPaper(page);
    expect(await page.getByTestId("speed").inputValue()).toBe("whole");
    expect(whole.resolution).toBe("summary");
    expect(leftSeconds(whole)).toBeLessThanOrEqual(0);
    expect(rightSeconds(whole)).toBeGreaterThanOrEqual(HOURS * 3600);
    expect(speeds).toEqual([...speeds].sort((a, b) => b - a));
  });

  it("shows in each column of a summary the lowest and the highest sample of its time", async () => {
    const whole = await settledPaper(page);
    const synthesiser = createSynthesiser({ seed: SEED, heartRateBpm: 72 });
    const framesPerColumn = 1 / (whole.pxPerFrame * whole.scale);
    const x0 = -whole.fromFrame * whole.pxPerFrame * whole.scale;
    const wrong: string[] = [];
    for (let column = 100; column < 1400; column += 130) {
      const first = Math.round((column - x0) * framesPerColumn);
      const block = synthesiser.block(first, Math.floor(framesPerColumn));
      const values = block.leads[LEAD_II] ?? new Int32Array(0);
      for (const adu of [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]) {
        const y = ((whole.rowBaselinePx[LEAD_II] ?? 0) - adu * (whole.pxPerAdu[LEAD_II] ?? 0)) * whole.scale;
        const shown = [-1, 0, 1].some((dy) => brightnessAt(whole, column, Math.floor(y) + dy) < DARK);
        if (!shown) wrong.push(`column ${column}: no trace at ${adu} adu, ${y} px`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("is gone through by its overview", async () => {
    await page.getByTestId("speed").selectOption("25");
    const strip = page.getByTestId("overview");
    const box = await strip.boundingBox();
    if (!box) throw new Error("no overview");
    const drawn = await page.evaluate<number>(`(() => {
      const canvas = document.querySelector('[data-testid="overview-canvas"]');
      const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let columns = 0;
      for (let x = 0; x < width; x++) {
        let dark = 0;
        for (let y = 0; y < height; y++) dark += Number(data[4 * (y * width + x)] < 120);
        columns += Number(dark > 3);
      }
      return columns / width;
    })()`);
    expect(drawn, "columns of the overview with a trace").toBeGreaterThan(0.98);
    await page.mouse.click(box.x + box.width / 3, box.y + box.height / 2);
    const third = await settledPaper(page, SEEN_MS);
    expect(Math.abs((leftSeconds(third) + rightSeconds(third)) / 2 - (HOURS * 3600) / 3)).toBeLessThan(30);
    await page.mouse.move(box.x + box.width / 3, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + (2 * box.width) / 3, box.y + box.height / 2, { steps: 8 });
    await page.mouse.up();
    const dragged = await settledPaper(page, SEEN_MS);
    expect(Math.abs((leftSeconds(dragged) + rightSeconds(dragged)) / 2 - (2 * HOURS * 3600) / 3)).toBeLessThan(30);
    expect(dragged.resolution).toBe("samples");
  });

  it("is dragged and wheeled", async () => {
    const before = await settledPaper(page);
    await page.mouse.move(900, 400);
    await page.mouse.down();
    await page.mouse.move(800, 400, { steps: 5 });
    await page.mouse.up();
    const dragged = await settledPaper(page);
    expect(dragged.fromFrame - before.fromFrame).toBeCloseTo(100 / before.pxPerFrame, 3);
    await page.mouse.wheel(0, 120);
    expect((await settledPaper(page)).fromFrame - dragged.fromFrame).toBeCloseTo(120 / before.pxPerFrame, 3);
  });

  it("is all of it there, without an error in the console", async () => {
    await page.keyboard.press("End");
    await settledPaper(page);
    expect(await page.getByTestId("tiles-failed").count()).toBe(0);
    expect((await (await bed.api()).recording(id)).frameCount).toBe(FRAMES);
    expect(browser.errors).toEqual([]);
  });
});

/** Time at the left end of the trace area. */
function leftSeconds({ fromFrame, gutterPx, pxPerFrame }: Paper): number {
  return (fromFrame + gutterPx / pxPerFrame) / RATE_HZ;
}

/** Time at the right end of the paper. */
function rightSeconds({ fromFrame, width, scale, pxPerFrame }: Paper): number {
  return (fromFrame + width / scale / pxPerFrame) / RATE_HZ;
}
