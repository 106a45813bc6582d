import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeDescriptor,
  decodeWaveformDescriptor,
  encodeDescriptor,
  sameShape,
  sampleCountOf,
  SAMPLES_PER_SEGMENT_MAX,
  secondsOfFrames,
  type LeadDescriptor,
  type WaveformDescriptor,
} from "@pericard/protocol";
import { DESCRIPTOR } from "../../../vectors/cases/body.ts";
import * as some from "./support/arbitraries.ts";
import { expectCode } from "./support/expect-code.ts";

const [LEAD] = DESCRIPTOR.shape.leads as readonly [LeadDescriptor];

function withLead(edit: Partial<LeadDescriptor>): WaveformDescriptor {
  return { ...DESCRIPTOR, shape: { ...DESCRIPTOR.shape, leads: [{ ...LEAD, ...edit }] } };
}

const rate = (num: number, den: number): WaveformDescriptor => ({
  ...DESCRIPTOR,
  shape: { ...DESCRIPTOR.shape, frameRateHz: { num, den } },
});

describe("a descriptor", () => {
  it("goes both ways", () => {
    fc.assert(
      fc.property(some.descriptor, (value) => {
        expect(decodeDescriptor(encodeDescriptor(value))).toEqual(value);
      }),
    );
  });

  it("is not encoded when a reader would refuse it", () => {
    expectCode(() => encodeDescriptor({ ...DESCRIPTOR, frameCount: 4_000_001 }), "ERR_FIELD_RANGE");
    expectCode(() => encodeDescriptor(withLead({ gainAduPerUnit: "0" })), "ERR_FIELD_RANGE");
    expectCode(() => encodeDescriptor(withLead({ name: "" })), "ERR_FIELD_RANGE");
  });

  it(`declares at most ${SAMPLES_PER_SEGMENT_MAX} samples`, () => {
    const wide = withLead({ samplesPerFrame: 64 });
    const frameCount = SAMPLES_PER_SEGMENT_MAX / 64;
    expect(sampleCountOf(decodeWaveformDescriptor(encodeDescriptor({ ...wide, frameCount })))).toBe(
      SAMPLES_PER_SEGMENT_MAX,
    );
    expectCode(() => encodeDescriptor({ ...wide, frameCount: frameCount + 1 }), "ERR_LENGTH_LIMIT");
  });

  it.each(["200", "200.", ".5", "+1", "-0.001", "1e3", "1.052e+04", "14184.489795918365"])(
    "keeps the gain %s as it is spelt",
    (gain) => {
      const read = decodeWaveformDescriptor(encodeDescriptor(withLead({ gainAduPerUnit: gain })));
      expect(read.shape.leads[0]?.gainAduPerUnit).toBe(gain);
    },
  );

  it("has a rate in lowest terms up to a megahertz", () => {
    expect(encodeDescriptor(rate(1_000_000, 1))).toBeDefined();
    expect(encodeDescriptor(rate(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1))).toBeDefined();
    expectCode(() => encodeDescriptor(rate(1000, 2)), "ERR_FIELD_RANGE");
    expectCode(() => encodeDescriptor(rate(1_000_001, 1)), "ERR_FIELD_RANGE");
  });
});

describe("a shape", () => {
  it("is the same as a copy of it", () => {
    expect(sameShape(DESCRIPTOR.shape, structuredClone(DESCRIPTOR.shape))).toBe(true);
  });

  const edits: readonly (readonly [keyof LeadDescriptor, Partial<LeadDescriptor>])[] = [
    ["name", { name: "II" }],
    ["units", { units: "uV" }],
    ["gainAduPerUnit", { gainAduPerUnit: "200.0" }],
    ["baselineAdu", { baselineAdu: 0 }],
    ["samplesPerFrame", { samplesPerFrame: 2 }],
    ["skewFrames", { skewFrames: 1 }],
    ["adcResolutionBits", { adcResolutionBits: 12 }],
    ["adcZeroAdu", { adcZeroAdu: 0 }],
    ["missingCode", { missingCode: null }],
  ];

  it.each(edits)("differs by a lead's %s", (_, edit) => {
    expect(sameShape(withLead({}).shape, withLead(edit).shape)).toBe(false);
  });

  it("is compared in every field of a lead", () => {
    expect(new Set(edits.map(([field]) => field))).toEqual(new Set(Object.keys(LEAD)));
  });

  it("tells how long frames last", () => {
    expect(secondsOfFrames({ ...DESCRIPTOR.shape, frameRateHz: { num: 1, den: 7 } }, 3)).toBe(21);
  });
});
