/** Any stream of interleaved little-endian 16-bit samples as a live source: a pipe, a socket, a serial port. */
import { assertWaveformFormat, parseInterleaved16, type Rational, type WaveformFormat } from "@pericard/ecg";
import type { Source } from "./source.ts";

/** What the bytes mean. */
export interface StreamFormat {
  readonly frameRateHz: Rational;
  /** One a lead, in the order of the samples; 1 to 64. */
  readonly leadNames: readonly string[];
  /** adu per unit, decimal text. */
  readonly gainAduPerUnit: string;
  readonly baselineAdu: number;
  /** Default "mV". */
  readonly units?: string;
  /** The value that means: no sample here. Default: every value is a sample. */
  readonly missingCode?: number | null;
}

/**
 * A live source over byte chunks, cut anywhere. It ends with the stream, or at once when it is aborted.
 *
 * @throws {EcgError} ERR_WAVEFORM_FORMAT when the format is out of bounds; while it runs ERR_STREAM_MISALIGNED when the
 * stream ends inside a frame.
 */
export function createStreamSource(chunks: AsyncIterable<Uint8Array>, described: StreamFormat): Source {
  const format = formatOf(described);
  assertWaveformFormat(format);
  return {
    format,
    kind: "live",
    sourceId: null,
    claimedStart: null,
    blocks: (_fromFrame, signal) =>
      parseInterleaved16(untilAborted(chunks, signal, format.leads.length), format.leads.length),
  };
}

function formatOf({ frameRateHz, leadNames, units = "mV", missingCode = null, ...rest }: StreamFormat): WaveformFormat {
  const { gainAduPerUnit, baselineAdu } = rest;
  const leads = leadNames.map((name) => ({
    name,
    units,
    gainAduPerUnit,
    baselineAdu,
    missingCode,
    samplesPerFrame: 1,
    skewFrames: 0,
    adcResolutionBits: 16,
    adcZeroAdu: 0,
  }));
  return { frameRateHz, leads };
}

/** The chunks until the signal; then whole frames alone, so that stopping in the middle of one is no error. */
async function* untilAborted(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  leadCount: number,
): AsyncGenerator<Uint8Array> {
  const frameBytes = 2 * leadCount;
  const iterator = chunks[Symbol.asyncIterator]();
  const aborted = whenAborted(signal);
  let rest = new Uint8Array(0);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next === undefined) return;
      if (next.done === true) break;
      const bytes = Buffer.concat([rest, next.value]);
      const wholeBytes = bytes.length - (bytes.length % frameBytes);
      if (wholeBytes > 0) yield bytes.subarray(0, wholeBytes);
      rest = bytes.subarray(wholeBytes);
    }
    if (rest.length > 0) yield rest;
  } finally {
    aborted.forget();
    void iterator.return?.();
  }
}

function whenAborted(signal: AbortSignal): { readonly promise: Promise<undefined>; readonly forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  return { promise, forget: () => signal.removeEventListener("abort", onAbort) };
}
