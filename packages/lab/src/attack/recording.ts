/** Synthetic samples that terminals of the lab record; there is no way to give it others. */
import { createSynthesiser, getSegmentCodec, type Synthesiser } from "@pericard/ecg";
import { BODY_KIND, type WaveformDescriptor } from "@pericard/protocol";

/** Beats a minute of the synthetic heart. */
export const HEART_RATE_BPM = 72;
const FRAME_RATE_HZ = 500;
const SECONDS = 2;

/** 12 leads at 500 Hz with 200 adu/mV, as many old recordings have, noise and wander. */
export function synthesise(seed: number): Synthesiser {
  return createSynthesiser({ seed, heartRateBpm: HEART_RATE_BPM, gainAduPerMv: 200, noiseUv: 5 });
}

/** Samples of one segment: `seconds` of them, from the segment of that number on. */
export function segmentLeads(synthesiser: Synthesiser, number: number, seconds = SECONDS): readonly Int32Array[] {
  const frameCount = seconds * FRAME_RATE_HZ;
  return synthesiser.block(number * frameCount, frameCount).leads;
}

/** The samples as bytes, as suite paper-2018 encrypts them. */
export function rawSamples(leads: readonly Int32Array[]): Uint8Array {
  return getSegmentCodec("raw").encode(leads, []);
}

/** What a segment says of its samples. */
export function describeLeads(leads: readonly Int32Array[], firstFrame: number): WaveformDescriptor {
  const frameCount = leads[0]?.length ?? 0;
  const shape = synthesise(0).format;
  return { kind: BODY_KIND.waveform, boot: null, claimed: null, firstFrame, frameCount, shape, predecessor: null };
}
