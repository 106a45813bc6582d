/** Samples from a pipe: interleaved little-endian 16-bit integers, as any device maker's program can print them. */
import { EcgError } from "./errors.ts";
import { deinterleave } from "./interleave.ts";
import { WAVEFORM_LIMITS, type SampleBlock } from "./model.ts";

/** Most bytes turned into one block; longer chunks become several blocks. */
const BLOCK_BYTES_MAX = 1_048_576;

/** Turns byte chunks, cut anywhere, into blocks of whole frames, one sample per lead and frame.
 * A block is yielded as soon as a chunk completes a frame, so a live source is never held back. Memory is bounded by one
 * chunk and one block.
 * @param leadCount 1 to 64.
 * @throws {RangeError} when leadCount is out of range.
 * @throws {EcgError} ERR_STREAM_MISALIGNED, after all whole frames were yielded, when the stream ends inside a frame.
 * Source: ARCHITECTURE.md. */
export async function* parseInterleaved16(
  chunks: AsyncIterable<Uint8Array>,
  leadCount: number,
): AsyncGenerator<SampleBlock> {
  if (!Number.isSafeInteger(leadCount) || leadCount < 1 || leadCount > WAVEFORM_LIMITS.leadCountMax) {
    throw new RangeError(`leadCount must be 1..${WAVEFORM_LIMITS.leadCountMax}, got ${leadCount}`);
  }
  const frameBytes = 2 * leadCount;
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : joinBytes(rest, chunk);
    const wholeBytes = bytes.length - (bytes.length % frameBytes);
    yield* blocksFromFrames(bytes.subarray(0, wholeBytes), leadCount);
    rest = bytes.slice(wholeBytes);
  }
  if (rest.length > 0) {
    throw new EcgError("ERR_STREAM_MISALIGNED", `stream ends ${rest.length} bytes into a frame of ${frameBytes} bytes`);
  }
}

function* blocksFromFrames(bytes: Uint8Array, leadCount: number): Generator<SampleBlock> {
  const blockBytes = BLOCK_BYTES_MAX - (BLOCK_BYTES_MAX % (2 * leadCount));
  const samplesPerFrame = Array.from({ length: leadCount }, () => 1);
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const digital = int16Samples(bytes.subarray(at, at + blockBytes));
    yield { frameCount: digital.length / leadCount, leads: deinterleave(digital, samplesPerFrame) };
  }
}

function int16Samples(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const digital = new Int32Array(bytes.length / 2);
  for (let i = 0; i < digital.length; i++) digital[i] = view.getInt16(2 * i, true);
  return digital;
}

function joinBytes(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
