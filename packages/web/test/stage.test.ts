import { expect, test } from "vitest";
import { composeStage } from "../src/recording/stage.ts";
import type { StageInput } from "../src/recording/stage.ts";
import { xOfFrame } from "../src/paper/mapping.ts";
import { leadOf, recordingOf } from "./fixtures.ts";

const PX_PER_MM = 96 / 25.4;

function stageOf(change: Partial<StageInput> = {}): ReturnType<typeof composeStage> {
  return composeStage({
    recording: recordingOf(),
    viewport: { leftFrame: 2500, speed: 25, following: false },
    gainMmPerMv: 10,
    paper: { widthPx: 1440, heightPx: 650, pxPerMm: PX_PER_MM, devicePixelRatio: 1, rowStepMm: 5, rowTightMv: 1.2 },
    ranges: [],
    ...change,
  });
}

test("one second is 25 mm, and the left frame lies at the gutter's edge", () => {
  const { time, gutter } = stageOf();
  expect(xOfFrame(time, 2750) - xOfFrame(time, 2500)).toBeCloseTo(25 * PX_PER_MM, 9);
  expect(xOfFrame(time, 2500)).toBeCloseTo(gutter.widthMm * PX_PER_MM, 9);
});

test("the pulse is 0.2 s wide at every speed", () => {
  for (const speed of [50, 25, 12.5, 1]) {
    const { gutter } = stageOf({ viewport: { leftFrame: 0, speed, following: false } });
    expect(gutter.pulseWidthMm).toBeCloseTo(0.2 * speed, 9);
    expect(gutter.pulseFromMm + gutter.pulseWidthMm).toBeLessThan(gutter.widthMm);
  }
});

test("tiles in view cover it, and those beside it are no repetition", () => {
  const { visible, beside, settled } = stageOf();
  expect(visible[0]?.address.fromFrame).toBeLessThanOrEqual(settled.leftFrame);
  expect(visible.at(-1)?.address.toFrame).toBeGreaterThanOrEqual(settled.leftFrame + settled.visibleFrames);
  const keys = [...visible, ...beside].map(({ address }) => address.key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(beside.length).toBeGreaterThan(0);
});

test("a skewed lead widens what is fetched, within a bound", () => {
  const leads = [leadOf("I"), leadOf("V", { skewFrames: 1250 })];
  const { visible, settled } = stageOf({ recording: recordingOf({ leads }) });
  expect(visible.at(-1)?.address.toFrame).toBeGreaterThanOrEqual(settled.leftFrame + settled.visibleFrames + 1250);
  const absurd = [leadOf("I", { skewFrames: -2_000_000_000 })];
  expect(stageOf({ recording: recordingOf({ leads: absurd }) }).visible.length).toBeLessThan(20);
});

test("the whole of a day is a summary of a few tiles", () => {
  const recording = recordingOf({ frameCount: 250 * 86_400 });
  const { plan, visible } = stageOf({ recording, viewport: { leftFrame: 0, speed: "whole", following: false } });
  expect(plan.kind).toBe("summary");
  expect(visible.length).toBeLessThan(6);
});

test("an empty recording has a stage and no tiles", () => {
  const { visible, beside } = stageOf({ recording: recordingOf({ frameCount: 0 }) });
  expect([visible, beside]).toEqual([[], []]);
});
