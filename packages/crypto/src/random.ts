import { randomFillSync } from "node:crypto";

/** Gives that many bytes. In production always {@link systemRandom}; tests and the simulator hand in their own. */
export type RandomSource = (sizeBytes: number) => Uint8Array;

/** The operating system's generator. */
export const systemRandom: RandomSource = (sizeBytes) => randomFillSync(new Uint8Array(sizeBytes));
