/** Samples that were synthesised before a measurement: interleaved little-endian 16-bit frames in a file, read round and round. */
import {
  createSynthesiser,
  deinterleave,
  interleave,
  type SynthesiserOptions,
  type WaveformFormat,
} from "@pericard/ecg";
import type { Source, SourceBlock } from "@pericard/terminal";
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";

const BLOCK_FRAMES = 500;

/** Writes a whole number of blocks. @returns the format of the frames. */
export function writeFrameFile(path: string, options: SynthesiserOptions, blockCount: number): WaveformFormat {
  const synthesiser = createSynthesiser(options);
  const perFrame = synthesiser.format.leads.map(() => 1);
  const parts = Array.from({ length: blockCount }, (_, k) => {
    const { leads } = synthesiser.block(k * BLOCK_FRAMES, BLOCK_FRAMES);
    return Buffer.from(Int16Array.from(interleave(leads, perFrame)).buffer);
  });
  writeFileSync(path, Buffer.concat(parts));
  return synthesiser.format;
}

/** What {@link openFrameFile} reads. */
export interface FrameFile {
  readonly path: string;
  readonly format: WaveformFormat;
  readonly blockCount: number;
  /** Names the samples, so that a terminal knows them again; 32 bytes. */
  readonly sourceId: Uint8Array;
}

/** A record of `frameCount` frames, the file's again and again. */
export function openFrameFile({ path, format, blockCount, sourceId }: FrameFile, frameCount: number): Source {
  const perFrame = format.leads.map(() => 1);
  const bytes = new Uint8Array(BLOCK_FRAMES * perFrame.length * 2);
  const samples = new Int16Array(bytes.buffer);
  return {
    format,
    kind: "file",
    sourceId,
    claimedStart: null,
    testData: "synthetic",
    async *blocks(fromFrame, signal): AsyncGenerator<SourceBlock> {
      const file = openSync(path, "r");
      try {
        for (let frame = fromFrame; frame < frameCount && !signal.aborted; frame += BLOCK_FRAMES) {
          readSync(file, bytes, 0, bytes.length, ((frame / BLOCK_FRAMES) % blockCount) * bytes.length);
          yield { frameCount: BLOCK_FRAMES, leads: deinterleave(Int32Array.from(samples), perFrame) };
        }
      } finally {
        closeSync(file);
      }
    },
  };
}
