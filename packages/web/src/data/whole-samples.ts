/** Samples of a whole range from a server that may answer with less than asked. */
import type { SampleBlock } from "../api/types.ts";
import type { FrameRange } from "../api/client.ts";
import { malformed } from "../errors.ts";

/**
 * Asks until the range is complete and joins the answers.
 * @throws {WebError} ERR_ANSWER_MALFORMED when an answer starts elsewhere or brings nothing: a hole that is neither gap
 * nor signal must not be drawn as if it were empty paper.
 */
export async function wholeSamples(
  fetchPart: (range: FrameRange) => Promise<SampleBlock>,
  { fromFrame, toFrame }: FrameRange,
): Promise<SampleBlock> {
  const parts: SampleBlock[] = [];
  let next = fromFrame;
  while (next < toFrame) {
    const part = await fetchPart({ fromFrame: next, toFrame });
    if (part.fromFrame !== next || part.toFrame <= next) throw malformed("range of samples");
    parts.push(part);
    next = part.toFrame;
  }
  const [only, ...others] = parts;
  if (only === undefined) throw new RangeError("range: expected at least one frame, got none");
  return others.reduce(joined, only);
}

function joined(before: SampleBlock, after: SampleBlock): SampleBlock {
  const leads = before.leads.map((values, index) => {
    const more = after.leads[index];
    return values === undefined || more === undefined ? undefined : concatenated(values, more);
  });
  return { kind: "samples", fromFrame: before.fromFrame, toFrame: after.toFrame, leads };
}

function concatenated(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
