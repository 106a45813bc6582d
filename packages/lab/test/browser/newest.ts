/** Watches, in the page, how far the newest trace on the paper reaches: told from pixels after every drawing. */
import type { Page } from "playwright-core";

/** At a moment of this machine's clock, the end of the trace on the screen. */
export interface Reached {
  readonly unixMs: number;
  readonly frame: number;
}

/**
 * Looks at 20 mm of the first row after each drawing, in the animation frame that shows it. The newest column of the
 * trace has some dark pixels; the line at the recording's end is dark from top to bottom and does not count.
 */
const WATCH = `(() => {
  const canvas = document.querySelector('[data-testid="ecg-canvas"]');
  const context = canvas.getContext("2d");
  const reached = [];
  const look = () => {
    const { dataset, width } = canvas;
    const scale = devicePixelRatio;
    const baseline = JSON.parse(dataset.rowBaselinePx)[Number(JSON.parse(dataset.leadOrder)[0])];
    const half = 10 * Number(dataset.pxPerMm);
    const top = Math.max(0, Math.round((baseline - half) * scale));
    const height = Math.round(2 * half * scale);
    const left = Math.ceil(Number(dataset.gutterPx) * scale) + 1;
    const { data } = context.getImageData(left, top, width - left, height);
    const columns = width - left;
    for (let x = columns - 1; x >= 0; x--) {
      let dark = 0;
      for (let y = 0; y < height; y++) dark += Number(data[4 * (y * columns + x) + 1] < 150);
      if (dark === 0 || dark > 0.9 * height) continue;
      const frame = Number(dataset.fromFrame) + (left + x + 1) / scale / Number(dataset.pxPerFrame);
      reached.push({ unixMs: Date.now(), frame });
      return;
    }
  };
  let asked = false;
  new MutationObserver(() => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      look();
    });
  }).observe(canvas, { attributes: true });
  globalThis.reachedFrames = reached;
})()`;

/** Begins to watch. */
export async function watchNewest(page: Page): Promise<void> {
  await page.getByTestId("ecg-canvas").waitFor();
  await page.evaluate(WATCH);
}

/** One advance of the trace: what was new, and how old its first and last sample were when they were on the screen. */
export interface Advance {
  readonly frames: number;
  readonly oldestMs: number;
  readonly newestMs: number;
}

/**
 * Advances since watching began; the first drawing is the starting point. Moves of less than 0.1 s are pixels, not data.
 * @param startUnixMs when frame 0 was recorded.
 */
export async function advancesOf(page: Page, startUnixMs: number, frameRateHz: number): Promise<readonly Advance[]> {
  const reached = await page.evaluate<readonly Reached[]>("globalThis.reachedFrames");
  const ageMs = ({ unixMs }: Reached, frame: number): number => unixMs - startUnixMs - (frame / frameRateHz) * 1000;
  const advances: Advance[] = [];
  let before = reached[0];
  for (const now of reached) {
    if (!before || now.frame < before.frame + 0.1 * frameRateHz) continue;
    advances.push({
      frames: now.frame - before.frame,
      oldestMs: ageMs(now, before.frame),
      newestMs: ageMs(now, now.frame),
    });
    before = now;
  }
  return advances;
}

/** Least, middle, 95th percentile and greatest, in ms. */
export function distribution(values: readonly number[]): string {
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return `least ${at(0)}, median ${at(0.5)}, 95 % ${at(0.95)}, greatest ${at(1)} ms of ${sorted.length}`;
}
