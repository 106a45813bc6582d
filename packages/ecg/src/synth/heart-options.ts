/** What a synthetic heart is like. */

export interface HeartOptions {
  /** Unsigned 32-bit integer; the same options give the same samples. */
  readonly seed: number;
  /** Mean rate, 20 to 220; 72 unless given. */
  readonly heartRateBpm?: number;
  /** Standard deviation of the heart rate, 0 to a sixth of the mean, so that it never stops; 2 unless given. */
  readonly heartRateDeviationBpm?: number;
}

/** The options with what was not given. @throws {RangeError} when one is out of range. */
export function checkHeart(options: HeartOptions): Required<HeartOptions> {
  const { seed, heartRateBpm = 72, heartRateDeviationBpm = 2 } = options;
  if (!Number.isInteger(seed)) throw new RangeError(`seed: expected a whole number, got ${seed}`);
  assertBetween("seed", seed, 0, 2 ** 32 - 1);
  assertBetween("heartRateBpm", heartRateBpm, 20, 220);
  assertBetween("heartRateDeviationBpm", heartRateDeviationBpm, 0, heartRateBpm / 6);
  return { seed, heartRateBpm, heartRateDeviationBpm };
}

function assertBetween(name: string, value: number, min: number, max: number): void {
  if (Number.isNaN(value) || value < min || value > max) {
    throw new RangeError(`${name}: expected ${min} to ${max}, got ${value}`);
  }
}
