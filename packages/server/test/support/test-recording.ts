/** Recordings whose every sample a test knows. */
import { getSegmentCodec } from "@pericard/ecg";
import type { SegmentBodyDraft, SegmentHeaderDraft } from "@pericard/crypto";
import type { LeadDescriptor, RecordingId, WaveformDescriptor, WaveformShape } from "@pericard/protocol";
import { drawRecording, hashOf, type TestTerminal } from "./test-terminal.ts";

function lead(name: string, wish: Partial<LeadDescriptor> = {}): LeadDescriptor {
  return {
    name,
    units: "mV",
    gainAduPerUnit: "200",
    baselineAdu: 0,
    samplesPerFrame: 1,
    skewFrames: 0,
    adcResolutionBits: 16,
    adcZeroAdu: 0,
    missingCode: null,
    ...wish,
  };
}

/** Two leads at 250 Hz. */
export const PLAIN_SHAPE: WaveformShape = { frameRateHz: { num: 250, den: 1 }, leads: [lead("I"), lead("II")] };

/** Leads of several rates, one skewed, one with a code for missing samples, at 62.5 frames per second. */
export const MIXED_SHAPE: WaveformShape = {
  frameRateHz: { num: 125, den: 2 },
  leads: [
    lead("I", { samplesPerFrame: 4 }),
    lead("pleth", { samplesPerFrame: 1, skewFrames: 3, missingCode: -32_768, units: "NU" }),
    lead("resp", { samplesPerFrame: 2, missingCode: 0 }),
  ],
};

/** Small numbers that look random and are always the same. */
export function createNoise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

/** One segment as made. */
export interface MadeSegment {
  readonly sealed: Uint8Array;
  readonly hash: Uint8Array;
  readonly sequence: number;
  readonly firstFrame: number;
  readonly frameCount: number;
  readonly leads: readonly Int32Array[];
}

export interface SegmentWish {
  readonly frameCount?: number;
  /** Frames left out before this segment. */
  readonly skipFrames?: number;
  readonly final?: boolean;
  readonly leads?: readonly Int32Array[];
  readonly descriptor?: Partial<WaveformDescriptor>;
  readonly header?: Partial<SegmentHeaderDraft>;
  readonly body?: Partial<SegmentBodyDraft>;
}

/** A recording that grows segment by segment, chained as a terminal chains it. */
export class TestRecording {
  readonly id: RecordingId;
  readonly shape: WaveformShape;
  readonly made: MadeSegment[] = [];
  readonly #terminal: TestTerminal;
  readonly #noise: () => number;
  readonly #origin: Partial<WaveformDescriptor>;
  #prev: Uint8Array | null = null;
  #nextFrame = 0;

  /** @param origin what every segment says of boot, claimed time and predecessor. */
  constructor(
    terminal: TestTerminal,
    shape: WaveformShape = PLAIN_SHAPE,
    origin: Partial<WaveformDescriptor> = {},
    id: RecordingId = drawRecording(),
  ) {
    this.#terminal = terminal;
    this.shape = shape;
    this.id = id;
    this.#origin = origin;
    this.#noise = createNoise(Number.parseInt(id.slice(0, 8), 16));
  }

  /** Frames up to the end of what was made. */
  get frameCount(): number {
    return this.#nextFrame;
  }

  #samples(frameCount: number): readonly Int32Array[] {
    return this.shape.leads.map(({ samplesPerFrame, missingCode }) =>
      Int32Array.from({ length: frameCount * samplesPerFrame }, () => {
        const drawn = this.#noise();
        return missingCode !== null && drawn % 17 === 0 ? missingCode : (drawn % 4000) - 2000;
      }),
    );
  }

  /** A segment at a place, which nothing here remembers. */
  at(sequence: number, prev: Uint8Array | null, firstFrame: number, wish: SegmentWish = {}): MadeSegment {
    const { frameCount = 250, final = false } = wish;
    const leads = wish.leads ?? this.#samples(frameCount);
    const descriptor: WaveformDescriptor = {
      kind: 1,
      boot: null,
      claimed: null,
      firstFrame,
      frameCount,
      shape: this.shape,
      predecessor: null,
      ...this.#origin,
      ...wish.descriptor,
    };
    const names = this.shape.leads.map(({ name }) => name);
    const codec = wish.body?.codec ?? "lead-residual";
    const encoded = getSegmentCodec(codec).encode(leads, names);
    const body: SegmentBodyDraft = { descriptor, codec, encoded, ...wish.body };
    const sealed = this.#terminal.segment({ recording: this.id, sequence, prev, final }, body, wish.header);
    return { sealed, hash: hashOf(sealed), sequence, firstFrame, frameCount, leads };
  }

  /** The next segment of the recording. */
  next(wish: SegmentWish = {}): MadeSegment {
    const segment = this.at(this.made.length, this.#prev, this.#nextFrame + (wish.skipFrames ?? 0), wish);
    this.#prev = segment.hash;
    this.#nextFrame = segment.firstFrame + segment.frameCount;
    this.made.push(segment);
    return segment;
  }

  /** Some segments in a row. */
  take(count: number, wish: SegmentWish = {}): readonly MadeSegment[] {
    return Array.from({ length: count }, () => this.next(wish));
  }

  /** Digital values of every lead over a stretch; `fill` where nothing was made, `missing(i)` for a lead's own code. */
  truth(fromFrame: number, toFrame: number, segments: readonly MadeSegment[], fill: (lead: number) => number) {
    return this.shape.leads.map(({ samplesPerFrame }, i) => {
      const values = new Int32Array((toFrame - fromFrame) * samplesPerFrame).fill(fill(i));
      for (const segment of segments) {
        for (let at = 0; at < segment.frameCount * samplesPerFrame; at += 1) {
          const place = (segment.firstFrame - fromFrame) * samplesPerFrame + at;
          if (place >= 0 && place < values.length) values[place] = segment.leads[i]?.[at] ?? 0;
        }
      }
      return values;
    });
  }
}
