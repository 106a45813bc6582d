/** Cutting a recording into tiles: which ones a view needs, and when one that was fetched is out of date. */
import type { Recording } from "../api/types.ts";

/** Tiles of one resolution. */
export interface TilePlan {
  readonly kind: "samples" | "summary";
  /** Tile k covers frames `[k, k + 1) * framesPerTile`. */
  readonly framesPerTile: number;
  /** 1 for samples. */
  readonly framesPerBucket: number;
}

/** One tile of a plan; `toFrame` may lie beyond the end of the recording. */
export interface TileAddress extends TilePlan {
  readonly key: string;
  readonly fromFrame: number;
  readonly toFrame: number;
}

/** What decides the resolution of a view. */
export interface ViewResolution {
  readonly frameRateHz: number;
  readonly framesPerDevicePx: number;
  /** Samples per frame of the fastest lead. */
  readonly samplesPerFrameMax: number;
  readonly visibleFrames: number;
}

/** The API delivers at most this many seconds of samples in a request; longer views show the summary. */
export const SAMPLES_WINDOW_MAX_SECONDS = 60;

const SAMPLES_PER_DEVICE_PX_MAX = 2;
const BUCKETS_PER_TILE = 1024;
const SHORT_VIEW_SECONDS = 25;

/**
 * Resolution for a view. Samples as long as a window of them may be fetched or they do not crowd the pixels (at most
 * 2 a device pixel); the min/max summary, about one bucket a device pixel, beyond both.
 */
export function planTiles(view: ViewResolution): TilePlan {
  const windowSeconds = view.visibleFrames / view.frameRateHz;
  const samplesPerDevicePx = view.framesPerDevicePx * view.samplesPerFrameMax;
  if (windowSeconds <= SAMPLES_WINDOW_MAX_SECONDS || samplesPerDevicePx <= SAMPLES_PER_DEVICE_PX_MAX) {
    return samplesPlan(view.frameRateHz, windowSeconds);
  }
  const framesPerBucket = 2 ** Math.max(0, Math.floor(Math.log2(view.framesPerDevicePx)));
  return { kind: "summary", framesPerTile: framesPerBucket * BUCKETS_PER_TILE, framesPerBucket };
}

function samplesPlan(frameRateHz: number, windowSeconds: number): TilePlan {
  const tileSeconds = windowSeconds <= SHORT_VIEW_SECONDS ? 5 : 20;
  return { kind: "samples", framesPerTile: Math.max(1, Math.round(tileSeconds * frameRateHz)), framesPerBucket: 1 };
}

/** Tiles of a plan that hold any stored frame of `[fromFrame, toFrame)`, ascending. */
export function tilesIn(plan: TilePlan, fromFrame: number, toFrame: number, frameCount: number): TileAddress[] {
  const from = Math.max(0, fromFrame);
  const to = Math.min(toFrame, frameCount);
  if (from >= to) return [];
  const first = Math.floor(from / plan.framesPerTile);
  const end = Math.ceil(to / plan.framesPerTile);
  return Array.from({ length: end - first }, (_, offset) => tileAt(plan, first + offset));
}

/** End of what can be asked of a tile: the recording's end, for summaries rounded up to a whole bucket. */
export function availableEnd(tile: TileAddress, frameCount: number): number {
  const end = Math.ceil(frameCount / tile.framesPerBucket) * tile.framesPerBucket;
  return Math.min(tile.toFrame, end);
}

/**
 * What a tile's contents depend on: its available end and the gaps within it. Two equal revisions of a tile have equal
 * contents, so a tile is fetched again exactly when data was added to it or a gap in it changed.
 */
export function tileRevision(tile: TileAddress, recording: Pick<Recording, "frameCount" | "gaps">): string {
  const gaps = recording.gaps.filter((gap) => gap.toFrame > tile.fromFrame && gap.fromFrame < tile.toFrame);
  const end = Math.min(tile.toFrame, recording.frameCount);
  return [end, ...gaps.map((gap) => `${gap.fromFrame}-${gap.toFrame}`)].join(" ");
}

function tileAt(plan: TilePlan, index: number): TileAddress {
  const fromFrame = index * plan.framesPerTile;
  const key = `${plan.kind}/${plan.framesPerTile}/${index}`;
  return { ...plan, key, fromFrame, toFrame: fromFrame + plan.framesPerTile };
}
