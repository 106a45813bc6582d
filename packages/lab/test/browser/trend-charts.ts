/** Charts of trends as they are on the screen: their pixels, and the mapping that they publish with them. */
import type { Page } from "playwright-core";

/** One chart. Lengths in CSS px from the canvas's top left. */
export interface Chart {
  readonly key: string;
  readonly codes: readonly string[];
  readonly leftPx: number;
  readonly topPx: number;
  readonly bottomPx: number;
  readonly fromUnixMs: number;
  readonly pxPerMs: number;
  readonly low: number;
  readonly pxPerUnit: number;
  readonly bucketMs: number;
  /** Device px per CSS px. */
  readonly scale: number;
  /** Size in device px. */
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each device pixel, row by row. */
  readonly rgba: Uint8Array;
}

const READ = `[...document.querySelectorAll('[data-testid="trend"]')].map((trend) => {
  const canvas = trend.querySelector("canvas");
  const { width, height } = canvas;
  const rgba = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  let text = "";
  for (let i = 0; i < rgba.length; i += 32768) text += String.fromCharCode(...rgba.subarray(i, i + 32768));
  const codes = trend.querySelector(".trend-code").textContent.split(", ");
  return { key: trend.dataset.key, codes, data: { ...canvas.dataset }, width, height, scale: devicePixelRatio, rgba: btoa(text) };
})`;

interface RawChart extends Pick<Chart, "key" | "codes" | "width" | "height" | "scale"> {
  readonly data: Readonly<Record<string, string>>;
  readonly rgba: string;
}

/** Takes every chart of the page as it is. */
export async function readCharts(page: Page): Promise<readonly Chart[]> {
  const charts = await page.evaluate<readonly RawChart[]>(READ);
  return charts.map(({ data, rgba, ...chart }) => {
    const number = (name: string): number => Number(data[name]);
    return {
      ...chart,
      leftPx: number("leftPx"),
      topPx: number("topPx"),
      bottomPx: number("bottomPx"),
      fromUnixMs: number("fromUnixMs"),
      pxPerMs: number("pxPerMs"),
      low: number("low"),
      pxPerUnit: number("pxPerUnit"),
      bucketMs: number("bucketMs"),
      rgba: new Uint8Array(Buffer.from(rgba, "base64")),
    };
  });
}

/** Grid lines and their numbers' paper are brighter and grey; ink of values is blue, black or red. */
function isInk(r: number, g: number, b: number): boolean {
  return Math.min(r, g, b) < 190 && (Math.max(r, g, b) - Math.min(r, g, b) > 30 || Math.max(r, g, b) < 120);
}

/** Whether a pixel within `withinPx` of a place, in CSS px, has ink of a value. */
export function inkNear(
  { rgba, width, height, scale }: Chart,
  x: number,
  y: number,
  withinPx: number,
  passes: (r: number, g: number, b: number) => boolean = isInk,
): boolean {
  const first = (at: number): number => Math.max(0, Math.ceil((at - withinPx) * scale - 0.5));
  for (let py = first(y); py < height && py + 0.5 <= (y + withinPx) * scale; py += 1) {
    for (let px = first(x); px < width && px + 0.5 <= (x + withinPx) * scale; px += 1) {
      const at = 4 * (py * width + px);
      if (passes(rgba[at] ?? 255, rgba[at + 1] ?? 255, rgba[at + 2] ?? 255)) return true;
    }
  }
  return false;
}
