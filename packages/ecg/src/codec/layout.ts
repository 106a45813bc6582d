/** Constants of the byte layout. Source: docs/codec-lead-residual.md §2. */

/** First byte of every stream. */
export const CODEC_VERSION = 1;

/** Most leads in one stream. */
export const LEAD_COUNT_MAX = 64;

/** Bits of the byte that opens each lead's entry; bit 7 is zero. */
export const KIND = {
  /** Predictor of a waveform lead (0 to 5), or limb number (0 to 3). */
  selector: 0x07,
  /** Waveform: a reference gain follows. */
  reference: 0x08,
  /** Waveform: a palette follows. */
  palette: 0x10,
  /** The lead's length follows; otherwise it is that of the lead before. */
  ownLength: 0x20,
  /** Limb lead: the indices of I and II follow. */
  limb: 0x40,
} as const;

/** What a decoder may spend on one segment. */
export interface DecodeLimits {
  /** Most leads, 1 to 64. */
  readonly leadCountMax: number;
  /** Most samples over all leads; memory is at most 16 bytes for each, plus twice the stream and 64 KiB. */
  readonly sampleCountMax: number;
}

/** Limits that fit every segment of the design: 64 leads, 60 s at 1 kHz, with room. */
export const DECODE_LIMITS: DecodeLimits = { leadCountMax: LEAD_COUNT_MAX, sampleCountMax: 4_194_304 };
