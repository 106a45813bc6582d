/** When a synthetic heart beats, as a closed form of time: what ECG and pleth of one person have in common. */
import { createSfc32 } from "./prng.ts";
import { drawWaves, heartRateBands, integrateWaves, type SlowWave } from "./slow-waves.ts";

const WAVES_PER_BAND = 8;
/** Where the slow influences of a seed are drawn. */
const LANE = 0xffff;

/** Random numbers for the waves of one band after the other. */
export function bandDraws(seed: number): () => Uint32Array {
  const fill = createSfc32(seed, LANE, 0);
  return () => {
    const random = new Uint32Array(2 * WAVES_PER_BAND);
    fill(random);
    return random;
  };
}

/** The waves of a heart rate, which are the first that a seed gives. @param deviationBpm standard deviation. */
export function drawHeartWaves(deviationBpm: number, draw: () => Uint32Array): SlowWave[] {
  return heartRateBands(deviationBpm / 60).flatMap((band) => drawWaves(band, draw()));
}

/** Beats since time 0: the integral of the heart rate. */
export function beatsAt(heartRateBpm: number, heartWaves: readonly SlowWave[], timeS: number): number {
  return 0.5 + (heartRateBpm / 60) * timeS + integrateWaves(heartWaves, timeS);
}
