/** The strip at the left of the paper that holds lead names and the calibration pulse. All lengths in mm. */

import type { SpeedChoice } from "./speeds.ts";

/** Geometry of the gutter at one paper speed. */
export interface Gutter {
  readonly widthMm: number;
  /** Where the pulse rises. */
  readonly pulseFromMm: number;
  /** 0.2 s of paper: 5 mm at 25 mm/s. */
  readonly pulseWidthMm: number;
}

/** Duration of the calibration pulse in seconds; its height is 1 mV. */
export const PULSE_SECONDS = 0.2;

const NAME_WIDTH_MM = 10;
const PULSE_AFTER_MM = 2;
const PULSE_ROOM_MM = 5;

/** Width for a choice of speed. Slow paper keeps the width of 25 mm/s, so that zooming out moves nothing. */
export function gutterWidthMm(speed: SpeedChoice): number {
  const pulseWidthMm = speed === "whole" ? 0 : PULSE_SECONDS * speed;
  return NAME_WIDTH_MM + Math.max(PULSE_ROOM_MM, pulseWidthMm) + PULSE_AFTER_MM;
}

/** Gutter for a choice of speed and the speed that it came to. */
export function gutterAt(speed: SpeedChoice, speedMmPerS: number): Gutter {
  return {
    widthMm: gutterWidthMm(speed),
    pulseFromMm: NAME_WIDTH_MM,
    pulseWidthMm: PULSE_SECONDS * speedMmPerS,
  };
}
