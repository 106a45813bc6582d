/** Where a lead has no samples: runs of the missing code, found once when a block arrives. */
import { MISSING_ADU } from "../api/types.ts";
import type { SampleBlock, SummaryBlock } from "../api/types.ts";

/** Part `[from, to)` of a lead's sequence, counted in samples or buckets. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** A block and, per lead index, its missing runs in ascending order. */
export interface LoadedBlock {
  readonly block: SampleBlock | SummaryBlock;
  readonly missing: readonly (readonly Run[])[];
}

/** Finds missing runs of every lead. A lead that the answer left out counts as missing throughout. */
export function loadedBlock(block: SampleBlock | SummaryBlock): LoadedBlock {
  const stride = block.kind === "summary" ? 2 : 1;
  const missing = block.leads.map((values) => (values === undefined ? [] : missingRuns(values, stride)));
  return { block, missing };
}

/** Memory held by a block's values, in bytes. */
export function sizeBytesOf({ block }: LoadedBlock): number {
  return block.leads.reduce((sum, values) => sum + (values?.byteLength ?? 0), 0);
}

/**
 * Runs of {@link MISSING_ADU}.
 * @param stride values per element: 1 for samples, 2 for min/max pairs (the first value decides).
 */
export function missingRuns(values: Int32Array, stride: number): Run[] {
  const runs: Run[] = [];
  const count = Math.floor(values.length / stride);
  let from = -1;
  for (let index = 0; index <= count; index++) {
    const missing = index < count && values[index * stride] === MISSING_ADU;
    if (missing && from === -1) from = index;
    if (!missing && from !== -1) runs.push({ from, to: index });
    if (!missing) from = -1;
  }
  return runs;
}
