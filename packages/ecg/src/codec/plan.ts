/** The encoder's choices for each lead. Any choice decodes to the same samples; a good one is smaller. */
import { bestReferenceGain, predictionCost, residualCost, windowSamples, windowStarts } from "./sample-cost.ts";
import { findLimb, LIMB_RULES, limbExpected } from "./limb-leads.ts";
import { findPalette, paletteCost, type Palette } from "./palette.ts";
import { PREDICTORS } from "./predictor.ts";

/** A lead coded by prediction. */
export interface WaveformPlan {
  readonly kind: "waveform";
  /** Index into PREDICTORS. */
  readonly predictor: number;
  /** 0 without a reference. */
  readonly referenceGain: number;
  readonly palette: Palette | undefined;
  /** What is predicted: the samples, or their ranks in the palette. */
  readonly coded: Int32Array;
  /** Coded form of the reference lead; `coded` itself where there is none. */
  readonly reference: Int32Array;
}

/** A limb lead coded as what remains after I and II. */
export interface LimbPlan {
  readonly kind: "limb";
  readonly limb: number;
  readonly firstIndex: number;
  readonly secondIndex: number;
}

/** How one lead is coded. */
export type LeadPlan = WaveformPlan | LimbPlan;

/** Plans all leads. The reference of a waveform lead is the waveform lead planned before it, if its length is the same. */
export function planLeads(leads: readonly Int32Array[], leadNames: readonly string[]): LeadPlan[] {
  const names = leadNames.map((name) => name.toLowerCase());
  const [firstIndex, secondIndex] = [names.indexOf("i"), names.indexOf("ii")];
  let previous: Int32Array | undefined;
  return leads.map((samples, index) => {
    const starts = windowStarts(samples.length);
    const limb = findLimbPlan(leads, samples, findLimb(names[index] ?? ""), firstIndex, secondIndex);
    if (limb !== undefined && limbCost(leads, samples, limb, starts) < plainCost(samples, starts)) return limb;
    const plan = planWaveform(samples, previous, starts);
    previous = plan.coded;
    return plan;
  });
}

function findLimbPlan(
  leads: readonly Int32Array[],
  samples: Int32Array,
  limb: number | undefined,
  firstIndex: number,
  secondIndex: number,
): LimbPlan | undefined {
  const lengths = [leads[firstIndex]?.length, leads[secondIndex]?.length];
  const fits = lengths.every((length) => length === samples.length);
  return limb !== undefined && fits ? { kind: "limb", limb, firstIndex, secondIndex } : undefined;
}

function limbCost(
  leads: readonly Int32Array[],
  samples: Int32Array,
  plan: LimbPlan,
  starts: readonly number[],
): number {
  const first = leads[plan.firstIndex] ?? samples;
  const second = leads[plan.secondIndex] ?? samples;
  const rule = LIMB_RULES[plan.limb];
  if (rule === undefined) return Number.POSITIVE_INFINITY;
  const residual = (i: number): number => ((samples[i] ?? 0) - limbExpected(rule, first[i] ?? 0, second[i] ?? 0)) | 0;
  return residualCost(residual, samples.length, starts);
}

/** Cost by the plain second difference: what a limb lead that does not follow would roughly take. */
function plainCost(samples: Int32Array, starts: readonly number[]): number {
  return predictionCost(samples, samples, { weights: PREDICTORS[3] ?? [4, -2, 0], referenceGain: 0 }, starts);
}

/** By prediction, from the samples or, where that is smaller altogether, from their ranks in a palette. */
function planWaveform(samples: Int32Array, previous: Int32Array | undefined, starts: readonly number[]): WaveformPlan {
  const palette = findPalette(samples);
  if (palette !== undefined && palette.gaps.length * 8 < samples.length) {
    return { ...planCoded(palette.ranks, previous, starts).plan, palette };
  }
  const plain = planCoded(samples, previous, starts);
  if (palette === undefined) return plain.plan;
  const ranked = planCoded(palette.ranks, previous, starts);
  const windowShare = windowSamples(samples.length) / samples.length;
  const isSmaller = ranked.cost + paletteCost(palette) * windowShare < plain.cost;
  return isSmaller ? { ...ranked.plan, palette } : plain.plan;
}

function planCoded(
  coded: Int32Array,
  previous: Int32Array | undefined,
  starts: readonly number[],
): { plan: WaveformPlan; cost: number } {
  const { predictor, cost } = cheapestPredictor(coded, starts);
  const weights = PREDICTORS[predictor] ?? [0, 0, 0];
  const plan: WaveformPlan = {
    kind: "waveform",
    predictor,
    referenceGain: 0,
    palette: undefined,
    coded,
    reference: coded,
  };
  if (previous?.length !== coded.length) return { plan, cost };
  const referenceGain = bestReferenceGain(coded, previous, weights, starts);
  const joint = predictionCost(coded, previous, { weights, referenceGain }, starts);
  if (referenceGain === 0 || joint >= cost) return { plan, cost };
  return { plan: { ...plan, referenceGain, reference: previous }, cost: joint };
}

/** Goes from the middle orders downhill: the cost has one valley over the order, since each difference amplifies noise more. */
function cheapestPredictor(coded: Int32Array, starts: readonly number[]): { predictor: number; cost: number } {
  const costOf = (predictor: number): number => {
    const weights = PREDICTORS[predictor] ?? [0, 0, 0];
    return predictionCost(coded, coded, { weights, referenceGain: 0 }, starts);
  };
  let [predictor, cost] = [2, costOf(2)];
  const step = costOf(3) < cost ? 1 : -1;
  for (let next = predictor + step; next >= 0 && next < PREDICTORS.length; next += step) {
    const nextCost = costOf(next);
    if (nextCost >= cost) break;
    [predictor, cost] = [next, nextCost];
  }
  return { predictor, cost };
}
