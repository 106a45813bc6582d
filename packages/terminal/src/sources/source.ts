/** Where samples come from. */
import type { SampleBlock, WaveformFormat } from "@pericard/ecg";

/** One block of consecutive frames. Its arrays belong to whoever takes it: a source does not write to them again. */
export interface SourceBlock extends SampleBlock {
  /** Set when samples between the block before and this one were lost: the recording ends there. */
  readonly gapBefore?: true;
  /** Set when this and the following blocks have another format: the recording ends there. */
  readonly format?: WaveformFormat;
}

/** A time as a source claims it; the zone is null when it is not known. */
export interface ClaimedTime {
  readonly unixMs: number;
  readonly zoneOffsetMinutes: number | null;
}

/** A source of samples. A new one is a file of this folder that makes one of these. */
export interface Source {
  readonly format: WaveformFormat;
  /** `live`: samples come once, at their own time. `file`: they can be read again from any frame. */
  readonly kind: "live" | "file";
  /** 32 bytes that are the same for the same samples; null for a live source. */
  readonly sourceId: Uint8Array | null;
  /** What a file claims for its first frame; null when it claims nothing, and for a live source, which has the clock. */
  readonly claimedStart: ClaimedTime | null;
  /** Whose data it is when it is certainly no patient's: drawn by the synthesiser, or named as published. */
  readonly testData?: "synthetic" | "public";
  /**
   * Blocks from a frame on, oldest first, until the source ends. An aborted live source ends; an aborted file source may
   * end anywhere between blocks.
   *
   * @param fromFrame 0 for a live source.
   */
  blocks(fromFrame: number, signal: AbortSignal): AsyncGenerator<SourceBlock>;
}
