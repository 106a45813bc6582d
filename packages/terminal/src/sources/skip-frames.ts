/** Going on in the middle of a source that is read from its beginning. */
import type { SampleBlock, WaveformFormat } from "@pericard/ecg";

/** The blocks without their first `skipCount` frames. Arrays are views into the blocks'. */
export async function* skipFrames(
  blocks: AsyncIterable<SampleBlock>,
  format: WaveformFormat,
  skipCount: number,
): AsyncGenerator<SampleBlock> {
  let leftCount = skipCount;
  for await (const block of blocks) {
    const dropCount = Math.min(leftCount, block.frameCount);
    leftCount -= dropCount;
    if (dropCount < block.frameCount) yield dropCount === 0 ? block : dropFrames(block, format, dropCount);
  }
}

function dropFrames(block: SampleBlock, format: WaveformFormat, dropCount: number): SampleBlock {
  const leads = block.leads.map((lead, index) =>
    lead.subarray(dropCount * (format.leads[index]?.samplesPerFrame ?? 1)),
  );
  return { frameCount: block.frameCount - dropCount, leads };
}
