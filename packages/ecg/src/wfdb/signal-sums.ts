/** First sample and 16-bit sum of each signal, gathered while samples stream by. Source: WFDB header(5), checksum. */
import type { SampleBlock } from "../model.ts";

/** Running facts about each signal. */
export interface SignalSums {
  /** Takes in the next block. */
  add(block: SampleBlock): void;
  /** Sum of all samples so far modulo 2^16, 0 to 65 535. */
  checksum(leadIndex: number): number;
  /** First sample, or null before any. */
  initialAdu(leadIndex: number): number | null;
}

/** Starts with no samples. */
export function createSignalSums(leadCount: number): SignalSums {
  const checksums = new Int32Array(leadCount);
  const initials: (number | null)[] = Array.from({ length: leadCount }, () => null);
  return {
    add(block) {
      for (const [index, digital] of block.leads.entries()) {
        initials[index] ??= digital[0] ?? null;
        checksums[index] = (checksums[index] ?? 0) + sumModulo32(digital);
      }
    },
    checksum: (leadIndex) => (checksums[leadIndex] ?? 0) & 0xffff,
    initialAdu: (leadIndex) => initials[leadIndex] ?? null,
  };
}

function sumModulo32(digital: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < digital.length; i++) sum = (sum + (digital[i] ?? 0)) | 0;
  return sum;
}
