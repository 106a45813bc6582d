import { expect, test } from "vitest";
import { CSS_PX_PER_MM, boundedPxPerMm, loadPxPerMm, savePxPerMm } from "../src/paper/calibration.ts";
import { moveOfKey } from "../src/paper/keys.ts";
import { speedChoices, speedText, stepSpeed, wholeSpeed } from "../src/paper/speeds.ts";
import { centreOn, goToEnd, panByFrames, panByWindow, settle, zoomTo } from "../src/paper/viewport.ts";
import { panOfWheel } from "../src/paper/wheel.ts";

const GROUND = { frameCount: 100_000, frameRateHz: 250, widthMm: 250 };
const START = { leftFrame: 0, speed: 25, following: false };

test("25 mm/s on 250 mm of paper is ten seconds", () => {
  expect(settle(START, GROUND)).toEqual({ leftFrame: 0, visibleFrames: 2500, speedMmPerS: 25 });
});

test("neither end is passed by more than the margin of 4 mm", () => {
  expect(settle(goToEnd(START, "start"), GROUND).leftFrame).toBe(-40);
  expect(settle(goToEnd(START, "end"), GROUND).leftFrame).toBe(100_000 + 40 - 2500);
  expect(settle(panByFrames(START, GROUND, 1e9), GROUND).leftFrame).toBe(100_000 + 40 - 2500);
});

test("following keeps the newest frame at the right and ends with a move", () => {
  const following = { ...START, following: true };
  expect(settle(following, GROUND).leftFrame).toBe(97_540);
  expect(settle(following, { ...GROUND, frameCount: 101_000 }).leftFrame).toBe(98_540);
  const moved = panByWindow(following, GROUND, -0.1);
  expect(moved).toMatchObject({ following: false, leftFrame: 97_290 });
});

test("zooming keeps what is under the pointer in place", () => {
  const view = { ...START, leftFrame: 50_000 };
  for (const anchor of [0, 0.3, 1]) {
    const zoomed = settle(zoomTo(view, GROUND, 6.25, anchor), GROUND);
    expect(zoomed.leftFrame + anchor * zoomed.visibleFrames).toBeCloseTo(50_000 + anchor * 2500, 6);
  }
});

test("a frame can be centred", () => {
  expect(settle(centreOn(START, GROUND, 40_000), GROUND).leftFrame).toBe(38_750);
});

test("the whole recording fits with its margins, and a short one is not stretched", () => {
  const whole = settle({ ...START, speed: "whole" }, GROUND);
  expect(whole.leftFrame).toBeLessThan(0);
  expect(whole.leftFrame + whole.visibleFrames).toBeGreaterThan(100_000);
  expect(settle({ ...START, speed: "whole" }, { ...GROUND, frameCount: 250 }).speedMmPerS).toBe(25);
  expect(wholeSpeed(250, 0)).toBe(25);
});

test("a recording shorter than the window stays at the left", () => {
  const view = settle({ ...START, following: true }, { ...GROUND, frameCount: 500 });
  expect(view.leftFrame).toBe(-40);
});

test("speeds slower than the whole recording are not offered", () => {
  expect(speedChoices(250, 86_400)).toEqual([50, 25, 12.5, 6.25, 3.125, 1, 0.2, 0.05, 0.5 / 60, "whole"]);
  expect(speedChoices(250, 60)).toEqual([50, 25, 12.5, 6.25, "whole"]);
  expect(stepSpeed(speedChoices(250, 60), "whole", -1)).toBe("whole");
  expect(stepSpeed(speedChoices(250, 60), 25, 1)).toBe(50);
});

test("speeds are written as on a strip", () => {
  expect([50, 12.5, 3.125, 0.2, 0.5 / 60].map(speedText)).toEqual([
    "50 mm/s", "12.5 mm/s", "3.13 mm/s", "12 mm/min", "0.5 mm/min",
  ]); // prettier-ignore
});

test("keys and wheel turns have the meanings of the help panel", () => {
  expect(moveOfKey("PageDown", false)).toEqual({ kind: "pan", part: 0.9 });
  expect(moveOfKey("ArrowLeft", true)).toEqual({ kind: "seconds", seconds: -0.2 });
  expect(moveOfKey("+", true)).toEqual({ kind: "zoom", direction: 1 });
  expect(moveOfKey("L", true)).toEqual({ kind: "follow" });
  expect(moveOfKey("x", false)).toBeUndefined();
  const turn = { deltaX: 0, deltaY: 3, deltaMode: 1, shiftKey: false, ctrlKey: false, metaKey: false };
  expect(panOfWheel(turn, 1000, 600)).toEqual({ kind: "pan", dxPx: 48 });
  expect(panOfWheel({ ...turn, shiftKey: true }, 1000, 600)).toEqual({ kind: "rows", dyPx: 48 });
  expect(panOfWheel({ ...turn, ctrlKey: true }, 1000, 600)).toEqual({ kind: "zoom", direction: -1 });
  expect(panOfWheel({ ...turn, deltaX: -9, deltaMode: 0 }, 1000, 600)).toEqual({ kind: "pan", dxPx: -9 });
});

test("calibration is bounded, kept, and survives forbidden storage", () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  expect(loadPxPerMm(store)).toBe(CSS_PX_PER_MM);
  savePxPerMm(store, 5.25);
  expect(loadPxPerMm(store)).toBe(5.25);
  savePxPerMm(store, CSS_PX_PER_MM);
  expect(kept.size).toBe(0);
  expect([Number.NaN, 0.1, 99].map(boundedPxPerMm)).toEqual([CSS_PX_PER_MM, 1.5, 12]);
  expect(loadPxPerMm({ getItem: forbidden, setItem: forbidden, removeItem: forbidden })).toBe(CSS_PX_PER_MM);
});

function forbidden(): never {
  throw new DOMException("no", "SecurityError");
}
