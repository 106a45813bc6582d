/** What the viewer's canvas shows: its pixels and the mapping that it publishes with them, taken in one step. */
import type { Page } from "playwright-core";

/** Brightness below which a pixel belongs to a trace, a pulse, text or a bound: grid and hatching are brighter. */
export const DARK = 150;
/** Brightness below which a pixel has some ink of a trace, where nothing is hatched: the boldest grid line has 197. */
export const INKED = 190;

/** The canvas at one moment. Lengths in CSS px unless they say otherwise. */
export interface Paper {
  readonly fromFrame: number;
  readonly pxPerFrame: number;
  readonly gutterPx: number;
  readonly pxPerMm: number;
  readonly speedMmPerS: number;
  readonly gainMmPerMv: number;
  readonly rowBaselinePx: readonly (number | null)[];
  readonly pxPerAdu: readonly (number | null)[];
  readonly leadOrder: readonly number[];
  readonly resolution: string;
  readonly loading: boolean;
  /** Device px per CSS px. */
  readonly scale: number;
  /** Size in device px. */
  readonly width: number;
  readonly height: number;
  /** Brightness 0–255 of each device pixel, row by row. */
  readonly brightness: Uint8Array;
}

/** The canvas of the leads; a further stream's has another selector. */
const LEADS = '[data-testid="ecg-canvas"]';

const READ = `((selector) => {
  const canvas = document.querySelector(selector);
  const { width, height } = canvas;
  const rgba = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const brightness = new Uint8Array(width * height);
  for (let i = 0; i < brightness.length; i++)
    brightness[i] = 0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2];
  let text = "";
  for (let i = 0; i < brightness.length; i += 32768)
    text += String.fromCharCode(...brightness.subarray(i, i + 32768));
  const box = canvas.getBoundingClientRect();
  return { data: { ...canvas.dataset }, width, height, cssWidth: box.width, cssHeight: box.height,
    scale: devicePixelRatio, brightness: btoa(text) };
})`;

interface RawPaper {
  readonly data: Readonly<Record<string, string>>;
  readonly width: number;
  readonly height: number;
  readonly cssWidth: number;
  readonly cssHeight: number;
  readonly scale: number;
  readonly brightness: string;
}

/** Takes the canvas as it is. @throws {Error} when its pixels are not the screen's own. */
export async function readPaper(page: Page, selector = LEADS): Promise<Paper> {
  const raw = await page.evaluate<RawPaper>(`${READ}(${JSON.stringify(selector)})`);
  const { data, width, height, scale } = raw;
  if (width !== raw.cssWidth * scale || height !== raw.cssHeight * scale) {
    throw new Error(`canvas of ${width} × ${height} is shown at ${raw.cssWidth} × ${raw.cssHeight}, scale ${scale}`);
  }
  return {
    fromFrame: Number(data["fromFrame"]),
    pxPerFrame: Number(data["pxPerFrame"]),
    gutterPx: Number(data["gutterPx"]),
    pxPerMm: Number(data["pxPerMm"]),
    speedMmPerS: Number(data["speedMmPerS"]),
    gainMmPerMv: Number(data["gainMmPerMv"]),
    rowBaselinePx: JSON.parse(data["rowBaselinePx"] ?? "[]") as (number | null)[],
    pxPerAdu: JSON.parse(data["pxPerAdu"] ?? "[]") as (number | null)[],
    leadOrder: JSON.parse(data["leadOrder"] ?? "[]") as number[],
    resolution: data["resolution"] ?? "none",
    loading: data["loading"] !== "false",
    scale,
    width,
    height,
    brightness: new Uint8Array(Buffer.from(raw.brightness, "base64")),
  };
}

const STATE = `((selector) => {
  const canvas = document.querySelector(selector);
  if (canvas === null || canvas.dataset.loading === undefined) return "";
  const { loading, resolution, rowBaselinePx } = canvas.dataset;
  if (loading !== "false" || resolution === "none" || rowBaselinePx.includes("null")) return "";
  return JSON.stringify(canvas.dataset) + canvas.width + "x" + canvas.height;
})`;

/** Waits until everything in view is drawn and stays so, then takes it. */
export async function settledPaper(page: Page, withinMs = 30_000, selector = LEADS): Promise<Paper> {
  const giveUpMs = performance.now() + withinMs;
  let before = "";
  for (let same = 0; same < 3;) {
    const state = await page.evaluate<string>(`${STATE}(${JSON.stringify(selector)})`);
    same = state !== "" && state === before ? same + 1 : 0;
    before = state;
    if (performance.now() > giveUpMs) throw new Error("the paper does not come to rest");
    await page.waitForTimeout(60);
  }
  return readPaper(page, selector);
}

/** Brightness of a device pixel; white outside. */
export function brightnessAt({ brightness, width, height }: Paper, x: number, y: number): number {
  if (x < 0 || y < 0 || x >= width || y >= height) return 255;
  return brightness[y * width + x] ?? 255;
}

/** Whether an inked pixel's centre is within `within` device px of a point given in device px, in x and in y. */
export function isInkedNear(paper: Paper, x: number, y: number, within: number): boolean {
  for (let py = Math.ceil(y - within - 0.5); py + 0.5 <= y + within; py++) {
    for (let px = Math.ceil(x - within - 0.5); px + 0.5 <= x + within; px++) {
      if (brightnessAt(paper, px, py) < INKED) return true;
    }
  }
  return false;
}
