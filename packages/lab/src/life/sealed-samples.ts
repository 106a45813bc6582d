/** The uses of a life that are sealed for real: a second of synthetic ECG each, in recordings that wait for their receipts. */
import { sha256 } from "@pericard/crypto";
import { createSynthesiser, encodeLeadResidual } from "@pericard/ecg";
import {
  BODY_KIND,
  parseSegment,
  RecordingId,
  SEGMENTS_PER_ENVELOPE_MAX,
  toHex,
  type BootId,
  type SegmentHeader,
} from "@pericard/protocol";
import type { SecureModule } from "@pericard/trsm";

const FRAMES = 500;

export interface SampleTimes {
  readonly boot: { readonly bootId: BootId; readonly monotonicMs: number };
  /** What the terminal's clock claims. */
  readonly claimedUnixMs: number;
}

/** Sealed segments that a server has not acknowledged yet. They outlive a power cut, as a journal does. */
export class SealedSamples {
  readonly #shape: ReturnType<typeof createSynthesiser>["format"];
  readonly #encoded: Uint8Array;
  readonly #waiting = new Map<string, Uint8Array>();
  #recording = RecordingId.parse("00".repeat(16));
  #sequence = 0;
  #prev: Uint8Array | null = null;
  #sealed = 0;
  #acknowledged = 0;

  constructor() {
    const synthesiser = createSynthesiser({ seed: 12, noiseUv: 1.5 });
    const leads = synthesiser.format.leads.slice(0, 1);
    this.#shape = { ...synthesiser.format, leads };
    const samples = synthesiser.block(0, FRAMES).leads.slice(0, 1);
    this.#encoded = encodeLeadResidual(
      samples,
      leads.map(({ name }) => name),
    );
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Segments that were sealed, and that receipts listed: the server opened those. */
  get counts(): { readonly sealed: number; readonly acknowledged: number } {
    return { sealed: this.#sealed, acknowledged: this.#acknowledged };
  }

  /** The next segment begins a recording of this id. */
  begin(recording: RecordingId): void {
    this.#recording = recording;
    this.#sequence = 0;
  }

  /** Seals one. @returns its header as it was sealed. */
  seal(module: SecureModule, { boot, claimedUnixMs }: SampleTimes): SegmentHeader {
    const place = { recording: this.#recording, stream: 0, sequence: this.#sequence, prev: this.#prev, final: false };
    const descriptor = {
      kind: BODY_KIND.waveform,
      boot,
      claimed: { unixMs: claimedUnixMs, zoneOffsetMinutes: null },
      firstFrame: this.#sequence * FRAMES,
      frameCount: FRAMES,
      shape: this.#shape,
      predecessor: null,
    };
    const sealed = module.sealSegment(place, { descriptor, codec: "lead-residual", encoded: this.#encoded });
    const hash = sha256(sealed);
    this.#sequence += 1;
    this.#prev = hash;
    this.#sealed += 1;
    this.#waiting.set(toHex(hash), sealed);
    return parseSegment(sealed).header;
  }

  /** The oldest that wait, as many as an envelope takes. The module opens each. @throws {CryptoError} when it does not. */
  oldest(module: SecureModule): readonly Uint8Array[] {
    const oldest = [...this.#waiting.values()].slice(0, SEGMENTS_PER_ENVELOPE_MAX);
    for (const sealed of oldest) module.openSegment(sealed);
    return oldest;
  }

  /** A receipt lists these. */
  acknowledge(hashes: readonly Uint8Array[]): void {
    for (const hash of hashes) if (this.#waiting.delete(toHex(hash))) this.#acknowledged += 1;
  }
}
