import { expect, test } from "vitest";
import { availableEnd, planTiles, tileRevision, tilesIn } from "../src/data/tile-plan.ts";
import type { TileAddress } from "../src/data/tile-plan.ts";

const VIEW = { frameRateHz: 500, framesPerDevicePx: 5, samplesPerFrameMax: 1, visibleFrames: 7500 };

function only(tiles: readonly TileAddress[]): TileAddress {
  const [tile] = tiles;
  if (tile === undefined || tiles.length !== 1) throw new TypeError(`expected one tile, got ${tiles.length}`);
  return tile;
}

test("a window of paper speed is fetched as samples", () => {
  expect(planTiles(VIEW)).toEqual({ kind: "samples", framesPerTile: 2500, framesPerBucket: 1 });
});

test("long crowded windows are fetched as a summary of about a bucket a device pixel", () => {
  expect(planTiles({ ...VIEW, framesPerDevicePx: 100, visibleFrames: 144_000 })).toEqual({
    kind: "summary",
    framesPerTile: 64 * 1024,
    framesPerBucket: 64,
  });
});

test("a long window stays with samples while they have two pixels each", () => {
  expect(planTiles({ ...VIEW, frameRateHz: 10, framesPerDevicePx: 0.5, visibleFrames: 1000 }).kind).toBe("samples");
  expect(planTiles({ ...VIEW, frameRateHz: 10, framesPerDevicePx: 2.5, visibleFrames: 1000 }).kind).toBe("summary");
});

test("tiles cover the view within the recording and nothing else", () => {
  const plan = planTiles(VIEW);
  expect(tilesIn(plan, -400, 2500, 15_000).map(({ fromFrame }) => fromFrame)).toEqual([0]);
  expect(tilesIn(plan, 2400, 7501, 7600).map(({ fromFrame }) => fromFrame)).toEqual([0, 2500, 5000, 7500]);
  expect(tilesIn(plan, 9000, 12_000, 7600)).toEqual([]);
  expect(tilesIn(plan, 0, 100, 0)).toEqual([]);
});

test("no request asks for more than 60 s of samples", () => {
  for (const seconds of [1, 14, 25, 26, 59, 60, 600]) {
    const plan = planTiles({ ...VIEW, framesPerDevicePx: 0.1, visibleFrames: seconds * 500 });
    expect(plan.framesPerTile / 500).toBeLessThanOrEqual(60);
  }
});

test("a tile is asked for up to the end of the recording, in whole buckets", () => {
  const samples = only(tilesIn(planTiles(VIEW), 0, 10, 1001));
  expect(availableEnd(samples, 1001)).toBe(1001);
  const plan = { kind: "summary", framesPerTile: 65_536, framesPerBucket: 64 } as const;
  expect(availableEnd(only(tilesIn(plan, 0, 10, 1001)), 1001)).toBe(1024);
  expect(availableEnd(only(tilesIn(plan, 0, 10, 1_000_000)), 1_000_000)).toBe(65_536);
});

test("a tile's revision changes with data in it and gaps in it, and with nothing else", () => {
  const tile = only(tilesIn(planTiles(VIEW), 0, 10, 5000));
  const gap = { fromFrame: 100, toFrame: 200, cause: "missing" };
  const full = tileRevision(tile, { frameCount: 5000, gaps: [] });
  expect(tileRevision(tile, { frameCount: 9000, gaps: [] })).toBe(full);
  expect(tileRevision(tile, { frameCount: 9000, gaps: [{ ...gap, fromFrame: 2500, toFrame: 2600 }] })).toBe(full);
  expect(tileRevision(tile, { frameCount: 2000, gaps: [] })).not.toBe(full);
  expect(tileRevision(tile, { frameCount: 5000, gaps: [gap] })).not.toBe(full);
});
