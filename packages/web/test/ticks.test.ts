import { expect, test } from "vitest";
import { gridLines } from "../src/paper/grid-lines.ts";
import { tickStep, timeTicks } from "../src/paper/ticks.ts";

test("labels at 25 mm/s come every second, ticks every large box", () => {
  const ticks = timeTicks({ fromSeconds: 0.5, toSeconds: 2.1, pxPerSecond: 94.5, labelSpacingPx: 84 });
  expect(ticks.map(({ seconds }) => Number(seconds.toFixed(3)))).toEqual([0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2]);
  expect(ticks.filter(({ labelled }) => labelled).map(({ seconds }) => seconds)).toEqual([1, 2]);
});

test("labels never come closer than asked, at any speed", () => {
  for (let pxPerSecond = 1e-4; pxPerSecond < 500; pxPerSecond *= 1.7) {
    const range = { fromSeconds: 0, toSeconds: 1400 / pxPerSecond, pxPerSecond, labelSpacingPx: 84 };
    const labels = timeTicks(range).filter(({ labelled }) => labelled);
    for (const [index, label] of labels.entries()) {
      const next = labels[index + 1];
      if (next !== undefined) expect((next.seconds - label.seconds) * pxPerSecond).toBeGreaterThanOrEqual(84 - 1e-6);
    }
  }
});

test("steps beyond the table are whole days", () => {
  expect(tickStep(1e-4, 84).labelSeconds % 86_400).toBe(0);
});

test("an endless range gives a bounded number of ticks", () => {
  const range = { fromSeconds: 0, toSeconds: 1e12, pxPerSecond: 100, labelSpacingPx: 84 };
  expect(timeTicks(range).length).toBeLessThanOrEqual(2001);
});

test("every fifth grid line is bold, counted from the anchor", () => {
  const lines = gridLines(0, 40, -8, 4);
  expect(lines.map(({ px }) => px)).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
  expect(lines.filter(({ bold }) => bold).map(({ px }) => px)).toEqual([12, 32]);
});
