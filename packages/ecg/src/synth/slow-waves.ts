/** Slow influences as sums of sinusoids with random phases: closed forms of time, so that any moment can be computed alone. */

/** One sinusoid. */
export interface SlowWave {
  readonly frequencyHz: number;
  readonly phaseRad: number;
  readonly amplitude: number;
}

/** A band of the spectrum: Gaussian about a centre. */
export interface Band {
  readonly centreHz: number;
  readonly deviationHz: number;
  /** Root mean square of all its waves together. */
  readonly rms: number;
}

/** Low (baroreflex) and high (breathing) frequency band of heart-rate variability, with the power ratio 0.5.
 * Source: McSharry et al. 2003, §II.B. */
export function heartRateBands(rms: number): Band[] {
  return [
    { centreHz: 0.1, deviationHz: 0.01, rms: rms * Math.sqrt(1 / 3) },
    { centreHz: 0.25, deviationHz: 0.01, rms: rms * Math.sqrt(2 / 3) },
  ];
}

/** Draws the waves of a band: equal amplitudes, frequencies spread over ±2 deviations, random phases.
 * @param random uniform 32-bit integers, two per wave. */
export function drawWaves(band: Band, random: Uint32Array): SlowWave[] {
  const count = random.length >> 1;
  return Array.from({ length: count }, (_, k) => ({
    frequencyHz: Math.max(0.005, band.centreHz + band.deviationHz * 4 * ((k + unit(random[2 * k])) / count - 0.5)),
    phaseRad: 2 * Math.PI * unit(random[2 * k + 1]),
    amplitude: band.rms * Math.sqrt(2 / count),
  }));
}

/** Sum of the waves at a time. */
export function sumWaves(waves: readonly SlowWave[], timeS: number): number {
  let sum = 0;
  for (const wave of waves) sum += wave.amplitude * Math.cos(2 * Math.PI * wave.frequencyHz * timeS + wave.phaseRad);
  return sum;
}

/** Integral of the waves from time 0. */
export function integrateWaves(waves: readonly SlowWave[], timeS: number): number {
  let sum = 0;
  for (const { frequencyHz, phaseRad, amplitude } of waves) {
    const turns = 2 * Math.PI * frequencyHz;
    sum += (amplitude / turns) * (Math.sin(turns * timeS + phaseRad) - Math.sin(phaseRad));
  }
  return sum;
}

function unit(random: number | undefined): number {
  return (random ?? 0) / 2 ** 32;
}
