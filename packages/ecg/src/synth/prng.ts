/** Seeded random numbers: sfc32 of Chris Doty-Humphrey (PractRand), 128 bits of state, small and fast. Not for secrets. */

/** Fills an array with uniform 32-bit integers. */
export type FillRandom = (output: Uint32Array) => void;

/** A generator for one (seed, stream, chunk): the same three numbers give the same sequence on every machine. */
export function createSfc32(seed: number, stream: number, chunk: number): FillRandom {
  const state = new Int32Array([seed, stream, chunk, 1]);
  const fill: FillRandom = (output) => fillSfc32(state, output);
  fill(new Uint32Array(12));
  return fill;
}

/** Standard normal numbers, approximately: sums of the four bytes of each input (Irwin-Hall), within ±3.45.
 * @param output as long as `random`. */
export function normalFromBytes(random: Uint32Array, output: Float64Array): void {
  for (let i = 0; i < random.length; i++) {
    const bits = random[i] ?? 0;
    const sum = (bits & 0xff) + ((bits >>> 8) & 0xff) + ((bits >>> 16) & 0xff) + (bits >>> 24);
    output[i] = (sum - 510) / SUM_DEVIATION;
  }
}

/** Standard deviation of a sum of four uniform bytes. */
const SUM_DEVIATION = Math.sqrt((4 * (256 * 256 - 1)) / 12);

function fillSfc32(state: Int32Array, output: Uint32Array): void {
  let [a, b, c, counter] = [state[0] ?? 0, state[1] ?? 0, state[2] ?? 0, state[3] ?? 0];
  for (let i = 0; i < output.length; i++) {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    output[i] = result;
  }
  state.set([a, b, c, counter]);
}
