/** Encoder of the segment codec `lead-residual`. Source: docs/codec-lead-residual.md. */
import { ByteWriter } from "./byte-writer.ts";
import { encodeSymbols } from "./entropy-encoder.ts";
import { CODEC_VERSION, KIND, LEAD_COUNT_MAX } from "./layout.ts";
import { LIMB_RULES } from "./limb-leads.ts";
import { planLeads, type LeadPlan, type LimbPlan, type WaveformPlan } from "./plan.ts";
import { findWeights } from "./predictor.ts";
import { appendLimb, appendPalette, appendWaveform } from "./residual-coding.ts";
import { createSymbols, type Symbols } from "./symbols.ts";

/** Encodes one segment without loss. Every int32 value comes back exactly, whatever the leads are called and whether or not
 * limb leads follow from I and II; names only tell where to look for what follows. Lengths may differ from lead to lead.
 * @param leads 1 to 64 leads; not changed.
 * @param leadNames one per lead, any case: I, II, III, aVR, aVL, aVF are used.
 * @returns self-describing bytes; the same input gives the same bytes.
 * @throws {RangeError} when there are no or more than 64 leads, or not one name per lead.
 * Source: docs/codec-lead-residual.md. */
export function encodeLeadResidual(leads: readonly Int32Array[], leadNames: readonly string[]): Uint8Array {
  if (leads.length < 1 || leads.length > LEAD_COUNT_MAX || leadNames.length !== leads.length) {
    throw new RangeError(`leads must be 1..64 with one name each, got ${leads.length} and ${leadNames.length} names`);
  }
  const plans = planLeads(leads, leadNames);
  const header = new ByteWriter();
  header.byte(CODEC_VERSION);
  header.byte(leads.length);
  for (const [index, plan] of plans.entries()) writeLead(header, plan, leads, index);
  const symbols = gatherSymbols(leads, plans);
  const parts = symbols.count === 0 ? [] : encodeSymbols(symbols);
  return joinParts([header.finish(), ...parts]);
}

function writeLead(header: ByteWriter, plan: LeadPlan, leads: readonly Int32Array[], index: number): void {
  const length = leads[index]?.length ?? 0;
  const isSameLength = index > 0 && leads[index - 1]?.length === length;
  const lengthFlag = isSameLength ? 0 : KIND.ownLength;
  if (plan.kind === "limb") {
    header.byte(KIND.limb | plan.limb | lengthFlag);
    if (!isSameLength) header.varint(length);
    header.byte(plan.firstIndex);
    header.byte(plan.secondIndex);
    return;
  }
  const referenceFlag = plan.referenceGain === 0 ? 0 : KIND.reference;
  const paletteFlag = plan.palette === undefined ? 0 : KIND.palette;
  header.byte(plan.predictor | referenceFlag | paletteFlag | lengthFlag);
  if (!isSameLength) header.varint(length);
  if (plan.referenceGain !== 0) header.byte(plan.referenceGain & 0xff);
  if (plan.palette !== undefined) {
    header.signedVarint(plan.palette.base);
    header.varint(plan.palette.gaps.length);
  }
  if (length > 0) header.signedVarint(plan.coded[0] ?? 0);
}

/** Palettes, then waveform leads, then limb leads, each in lead order: what a decoder needs first comes first. */
function gatherSymbols(leads: readonly Int32Array[], plans: readonly LeadPlan[]): Symbols {
  const waveforms = plans.filter((plan): plan is WaveformPlan => plan.kind === "waveform");
  const paletteTotal = waveforms.reduce((sum, plan) => sum + (plan.palette?.gaps.length ?? 0), 0);
  const symbols = createSymbols(leads.reduce((sum, lead) => sum + lead.length, paletteTotal));
  for (const { palette } of waveforms) if (palette !== undefined) appendPalette(symbols, palette.gaps);
  for (const { coded, reference, predictor, referenceGain } of waveforms) {
    appendWaveform(symbols, coded, reference, { weights: findWeights(predictor) ?? [0, 0, 0], referenceGain });
  }
  for (const [index, plan] of plans.entries()) if (plan.kind === "limb") appendLimbLead(symbols, leads, index, plan);
  return symbols;
}

function appendLimbLead(symbols: Symbols, leads: readonly Int32Array[], index: number, plan: LimbPlan): void {
  const [samples, first, second] = [leads[index], leads[plan.firstIndex], leads[plan.secondIndex]];
  const rule = LIMB_RULES[plan.limb];
  if (samples !== undefined && first !== undefined && second !== undefined && rule !== undefined) {
    appendLimb(symbols, rule, samples, first, second);
  }
}

function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
