/** Choices of paper speed and gain. Speed in mm/s and gain in mm/mV are the truth; what fits a window follows. */

/** mm of paper per second, or the speed at which the whole recording fits. */
export type SpeedChoice = number | "whole";

/** The three speeds of paper ECG, in mm/s. */
export const PAPER_SPEEDS: readonly number[] = [50, 25, 12.5];

/** Zoomed-out speeds in mm/s; the last three are 12, 3 and 0.5 mm a minute. */
export const SLOW_SPEEDS: readonly number[] = [6.25, 3.125, 1, 0.2, 0.05, 0.5 / 60];

/** Choices of gain in mm/mV. */
export const GAINS: readonly number[] = [5, 10, 20];

/** Speed of a first look, mm/s. */
export const DEFAULT_SPEED = 25;
/** Gain of a first look, mm/mV. */
export const DEFAULT_GAIN = 10;

/** Speed at which `durationSeconds` fills `widthMm`, never above 25 mm/s. */
export function wholeSpeed(widthMm: number, durationSeconds: number): number {
  if (!(widthMm > 0 && durationSeconds > 0)) return DEFAULT_SPEED;
  return Math.min(DEFAULT_SPEED, widthMm / durationSeconds);
}

/** Choices worth offering, fastest first: all paper speeds, slow ones that still do not show everything, then all. */
export function speedChoices(widthMm: number, durationSeconds: number): SpeedChoice[] {
  const fit = wholeSpeed(widthMm, durationSeconds);
  return [...PAPER_SPEEDS, ...SLOW_SPEEDS.filter((speed) => speed > fit), "whole"];
}

/** The next choice in a direction: +1 closer (faster paper), -1 further away. The ends stay where they are. */
export function stepSpeed(choices: readonly SpeedChoice[], current: SpeedChoice, direction: 1 | -1): SpeedChoice {
  const index = choices.indexOf(current);
  const from = index === -1 ? choices.length - 1 : index;
  return choices[Math.min(choices.length - 1, Math.max(0, from - direction))] ?? current;
}

/** Speed as written on a strip: `25 mm/s`, or `12 mm/min` below 1 mm/s. */
export function speedText(speedMmPerS: number): string {
  if (speedMmPerS >= 1) return `${trimmed(speedMmPerS)} mm/s`;
  return `${trimmed(speedMmPerS * 60)} mm/min`;
}

/** Two decimals at most, no trailing zeros. */
export function trimmed(value: number): string {
  const digits = Math.abs(value) < 0.1 && value !== 0 ? value.toPrecision(2) : value.toFixed(2);
  return String(Number(digits));
}
