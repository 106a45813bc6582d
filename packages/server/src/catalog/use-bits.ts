/**
 * Uses of a key as bits: 256 uses a run, lowest bit first.
 *
 * Source: docs/keys.md, "A terminal's key life".
 */
const USES_PER_RUN = 256;

/** A run of which no use was noted. */
export const NO_USES: Uint8Array = new Uint8Array(USES_PER_RUN / 8);

/** Number of the run that a use belongs to. */
export const runOf = (use: number): number => Math.floor(use / USES_PER_RUN);

/** Sets the bit of a use in its run. @returns whether it was set. */
export function setUse(bits: Uint8Array, use: number): boolean {
  const at = use % USES_PER_RUN;
  const byte = bits[at >> 3] ?? 0;
  const mask = 1 << (at & 7);
  bits[at >> 3] = byte | mask;
  return (byte & mask) !== 0;
}
