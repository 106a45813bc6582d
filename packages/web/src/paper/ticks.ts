/** Time ticks: round steps whose labels never touch. */

/** One tick; `seconds` since the start of the recording. */
export interface TimeTick {
  readonly seconds: number;
  readonly labelled: boolean;
}

/** What {@link timeTicks} has to fill. */
export interface TickRange {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly pxPerSecond: number;
  /** Least distance between two labels, CSS px. */
  readonly labelSpacingPx: number;
}

/** Seconds between labels, and how many ticks make one such step. */
interface TickStep {
  readonly labelSeconds: number;
  readonly ticks: number;
}

const DAY_SECONDS = 86_400;
const STEPS: readonly TickStep[] = (
  [
    [1, 5], [2, 4], [5, 5], [10, 5], [15, 3], [30, 3],
    [60, 6], [120, 4], [300, 5], [600, 5], [900, 3], [1800, 3],
    [3600, 4], [7200, 4], [10_800, 3], [21_600, 6], [43_200, 6], [DAY_SECONDS, 4],
  ] as const
).map(([labelSeconds, ticks]) => ({ labelSeconds, ticks })); // prettier-ignore
const TICK_COUNT_MAX = 2000;

/** The smallest round step that keeps labels `labelSpacingPx` apart; whole days beyond the table. */
export function tickStep(pxPerSecond: number, labelSpacingPx: number): TickStep {
  const leastSeconds = labelSpacingPx / pxPerSecond;
  const step = STEPS.find(({ labelSeconds }) => labelSeconds >= leastSeconds);
  return step ?? { labelSeconds: Math.ceil(leastSeconds / DAY_SECONDS) * DAY_SECONDS, ticks: 1 };
}

/** Ticks within the range, ascending, anchored at second 0 so that they coincide with the bold grid lines. */
export function timeTicks(range: TickRange): TimeTick[] {
  const { labelSeconds, ticks } = tickStep(range.pxPerSecond, range.labelSpacingPx);
  const tickSeconds = labelSeconds / ticks;
  const first = Math.ceil(range.fromSeconds / tickSeconds - 1e-9);
  const last = Math.min(Math.floor(range.toSeconds / tickSeconds + 1e-9), first + TICK_COUNT_MAX);
  const found: TimeTick[] = [];
  for (let k = first; k <= last; k++) found.push({ seconds: k * tickSeconds, labelled: k % ticks === 0 });
  return found;
}
