/** Sources whose every sample a test knows. */
import type { WaveformFormat } from "@pericard/ecg";
import { sha256 } from "@pericard/crypto";
import { utf8 } from "@pericard/protocol";
import type { Source, SourceBlock } from "@pericard/terminal";

/** A format of so many leads, one sample a frame, at a whole rate. */
export function formatOf(leadCount: number, rateHz: number): WaveformFormat {
  const leads = Array.from({ length: leadCount }, (_, index) => ({
    name: `V${index + 1}`,
    units: "mV",
    gainAduPerUnit: "200",
    baselineAdu: 0,
    samplesPerFrame: 1,
    skewFrames: 0,
    adcResolutionBits: 16,
    adcZeroAdu: 0,
    missingCode: null,
  }));
  return { frameRateHz: { num: rateHz, den: 1 }, leads };
}

/** The sample of a lead at a frame: no two near each other are equal. */
export function sampleAt(lead: number, frame: number): number {
  return ((frame * 7919 + lead * 104_729) % 4001) - 2000;
}

/** All samples of a lead from a frame on. */
export function samplesOf(lead: number, fromFrame: number, frameCount: number): readonly number[] {
  return Array.from({ length: frameCount }, (_, i) => sampleAt(lead, fromFrame + i));
}

/** The block of frames `fromFrame` on. */
export function blockOf(format: WaveformFormat, fromFrame: number, frameCount: number): SourceBlock {
  return { frameCount, leads: format.leads.map((_, lead) => Int32Array.from(samplesOf(lead, fromFrame, frameCount))) };
}

/** A file of known samples in blocks of `blockFrames`. */
export function fileSource(frameCount: number, options: Partial<FileOptions> = {}): Source {
  const { name = "file", format = formatOf(2, 100), blockFrames = 37, claimedStart = null } = options;
  return {
    format,
    kind: "file",
    sourceId: sha256(utf8(name)),
    claimedStart,
    async *blocks(fromFrame) {
      for (let frame = fromFrame; frame < frameCount; frame += blockFrames) {
        yield blockOf(format, frame, Math.min(blockFrames, frameCount - frame));
      }
    },
  };
}

interface FileOptions {
  readonly name: string;
  readonly format: WaveformFormat;
  readonly blockFrames: number;
  readonly claimedStart: Source["claimedStart"];
}

/** A live source that gives what a test pushes. */
export class PushSource implements Source {
  readonly format: WaveformFormat;
  readonly kind = "live";
  readonly sourceId = null;
  readonly claimedStart = null;
  readonly #queue: SourceBlock[] = [];
  #ended = false;
  #error: unknown;
  #wake: () => void = () => undefined;
  #frame = 0;

  constructor(format: WaveformFormat = formatOf(2, 100)) {
    this.format = format;
  }

  /** Adds the next frames of the known samples. */
  push(frameCount: number, marks: Pick<SourceBlock, "gapBefore" | "format"> = {}): void {
    this.#queue.push({ ...blockOf(marks.format ?? this.format, this.#frame, frameCount), ...marks });
    this.#frame += frameCount;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.#wake();
  }

  async *blocks(_fromFrame: number, signal: AbortSignal): AsyncGenerator<SourceBlock> {
    signal.addEventListener("abort", () => this.#wake());
    for (;;) {
      const block = this.#queue.shift();
      if (block) yield block;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#ended || signal.aborted) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
