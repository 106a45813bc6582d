/** Observations that a test makes, and their stream. */
import { BYTE_CODECS } from "@pericard/ecg";
import {
  encodeObservations,
  type Observation,
  type ObservationComponent,
  type ObservationDescriptor,
  type RecordingId,
} from "@pericard/protocol";
import { drawRecording, hashOf, type TestTerminal } from "./test-terminal.ts";

/** What the terminal's clock says at every stream's begin. */
export const CLAIMED_MS = Date.UTC(2026, 2, 1, 8);

/** mantissa × 10^exponent in a unit. */
export const component = (code: string, unit: string, mantissa: number, exponent = 0): ObservationComponent => ({
  code,
  unit,
  value: { mantissa, exponent },
});

/** A stream of observations, chained as a terminal chains it. */
export class ObservationStream {
  readonly recording;
  readonly #stream: number;
  readonly #of: TestTerminal;
  readonly #origin: Partial<ObservationDescriptor>;
  #prev: Uint8Array | null = null;
  #sequence = 0;
  #count = 0;

  constructor(
    of: TestTerminal,
    stream: number,
    wish: { readonly recording?: RecordingId } & Partial<ObservationDescriptor> = {},
  ) {
    const { recording = drawRecording(), ...origin } = wish;
    this.recording = recording;
    this.#stream = stream;
    this.#of = of;
    this.#origin = origin;
  }

  next(
    observations: readonly Observation[],
    wish: { codec?: "raw" | "gzip"; final?: boolean; encoded?: Uint8Array } = {},
  ): Uint8Array {
    const { codec = "raw", final = false } = wish;
    const plain = encodeObservations(observations);
    const encoded = wish.encoded ?? (codec === "gzip" ? BYTE_CODECS.gzip.encode(plain) : plain);
    const sealed = this.#of.segment(
      { recording: this.recording, sequence: this.#sequence, prev: this.#prev, final },
      {
        descriptor: {
          kind: 2,
          boot: null,
          claimed: { unixMs: CLAIMED_MS, zoneOffsetMinutes: 60 },
          firstFrame: this.#count,
          frameCount: observations.length,
          shape: null,
          predecessor: null,
          ...this.#origin,
        },
        codec,
        encoded,
      },
      { stream: this.#stream },
    );
    this.#prev = hashOf(sealed);
    this.#sequence += 1;
    this.#count += observations.length;
    return sealed;
  }
}
