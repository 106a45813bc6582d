/** Further streams of a recording: pleth and respiration beside an ECG. */
import type { Recording, Stream } from "../api/types.ts";

/** A stream of samples. */
export interface WaveformStream extends Stream {
  readonly frameRateHz: Recording["frameRateHz"];
}

const STRIP_ROW_MM = 15;
const STRIP_MARGIN_MM = 10;

/** Streams of samples beside the one that stands for the recording, which is the first of them. */
export function furtherStreams({ streams }: Pick<Recording, "streams">): WaveformStream[] {
  const waveforms = streams.filter((stream): stream is WaveformStream => {
    return stream.kind === "waveform" && stream.frameRateHz !== null && stream.leads.length > 0;
  });
  return waveforms.slice(1);
}

/** The recording as if a stream were its only one. */
export function recordingOfStream(recording: Recording, stream: WaveformStream): Recording {
  const { frameRateHz, leads, frameCount, gaps, start } = stream;
  return { ...recording, frameRateHz, leads, frameCount, gaps, start };
}

/** Height of a stream's strip, whole CSS px. */
export function stripHeightPx({ leads }: Pick<Stream, "leads">, pxPerMm: number): number {
  return Math.ceil((leads.length * STRIP_ROW_MM + STRIP_MARGIN_MM) * pxPerMm);
}
