/** The header of a `lead-residual` stream: one entry per lead, bounded before anything is allocated. Source: docs/codec-lead-residual.md §2. */
import { EcgError } from "../errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import { CODEC_VERSION, KIND, type DecodeLimits } from "./layout.ts";
import { LIMB_RULES, type LimbRule } from "./limb-leads.ts";
import { PALETTE_SPAN_MAX } from "./palette.ts";
import { findWeights, type Weights } from "./predictor.ts";

/** A lead coded by prediction. */
export interface WaveformEntry {
  readonly kind: "waveform";
  readonly length: number;
  readonly weights: Weights;
  readonly referenceGain: number;
  readonly palette: { readonly base: number; readonly gapCount: number } | undefined;
  /** First coded value, which stands for everything before the start. */
  readonly seed: number;
}

/** A lead coded as what remains after I and II. */
export interface LimbEntry {
  readonly kind: "limb";
  readonly length: number;
  readonly rule: LimbRule;
  readonly firstIndex: number;
  readonly secondIndex: number;
}

/** How one lead is coded. */
export type LeadEntry = WaveformEntry | LimbEntry;

/** Reads and bounds the header. References and lengths between leads are checked while decoding.
 * @throws {EcgError} ERR_CODEC_MALFORMED, ERR_CODEC_LIMIT */
export function readHeader(reader: ByteReader, limits: DecodeLimits): LeadEntry[] {
  const version = reader.byte();
  if (version !== CODEC_VERSION) throw malformed(`version is ${version}, known is ${CODEC_VERSION}`);
  const leadCount = reader.byte();
  if (leadCount === 0) throw malformed("has no leads");
  if (leadCount > limits.leadCountMax)
    throw new EcgError("ERR_CODEC_LIMIT", `lead-residual stream has ${leadCount} leads`);
  const entries: LeadEntry[] = [];
  let left = limits.sampleCountMax;
  for (let index = 0; index < leadCount; index++) {
    const entry = readLead(reader, entries.at(-1)?.length);
    left -= entry.length;
    if (left < 0) throw new EcgError("ERR_CODEC_LIMIT", "lead-residual stream has more samples than allowed");
    entries.push(entry);
  }
  return entries;
}

function readLead(reader: ByteReader, previousLength: number | undefined): LeadEntry {
  const kind = reader.byte();
  if (kind > 0x7f) throw malformed("has a lead of unknown kind");
  const length = (kind & KIND.ownLength) === 0 ? previousLength : reader.varint();
  if (length === undefined) throw malformed("states no length for its first lead");
  return (kind & KIND.limb) === 0 ? readWaveformLead(reader, kind, length) : readLimbLead(reader, kind, length);
}

function readLimbLead(reader: ByteReader, kind: number, length: number): LimbEntry {
  const rule = LIMB_RULES[kind & KIND.selector];
  const flags = kind & (KIND.reference | KIND.palette);
  if (rule === undefined || flags !== 0) throw malformed("has a limb lead of unknown kind");
  return { kind: "limb", length, rule, firstIndex: reader.byte(), secondIndex: reader.byte() };
}

function readWaveformLead(reader: ByteReader, kind: number, length: number): WaveformEntry {
  const weights = findWeights(kind & KIND.selector);
  if (weights === undefined) throw malformed("has an unknown predictor");
  const referenceGain = (kind & KIND.reference) === 0 ? 0 : (reader.byte() << 24) >> 24;
  const palette = (kind & KIND.palette) === 0 ? undefined : { base: reader.signedVarint(), gapCount: reader.varint() };
  if (palette !== undefined && palette.gapCount >= Math.min(length, PALETTE_SPAN_MAX)) {
    throw malformed("has a palette larger than its lead");
  }
  return { kind: "waveform", length, weights, referenceGain, palette, seed: length > 0 ? reader.signedVarint() : 0 };
}

function malformed(problem: string): EcgError {
  return new EcgError("ERR_CODEC_MALFORMED", `lead-residual stream ${problem}`);
}
