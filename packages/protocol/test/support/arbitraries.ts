/** Generators of everything that the structures can say. Every value is one that a reader accepts. */
import * as fc from "fast-check";
import {
  BODY_KIND,
  BootId,
  CODECS,
  EnvelopeId,
  FIRST_FRAME_MAX,
  KeyId,
  OBSERVATION_CODECS,
  PREDECESSOR_CAUSES,
  RecordingId,
  RoutingId,
  SUITE,
  TenantId,
  TerminalId,
  UINT32_MAX,
  type EnvelopeHeader,
  type IdKind,
  type LeadDescriptor,
  type Observation,
  type ObservationComponent,
  type ObservationDescriptor,
  type PackageHeader,
  type PackageItem,
  type RecipientHeader,
  type SegmentBody,
  type SegmentDescriptor,
  type SegmentHeader,
  type WaveformDescriptor,
} from "@pericard/protocol";

/** Exactly so many bytes. */
export const bytes = (sizeBytes: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes });

export const hash = bytes(32);
export const uint32 = fc.oneof(fc.constantFrom(0, 1, 23, 24, 255, 256, 65_535, 65_536, UINT32_MAX), fc.nat(UINT32_MAX));
export const unixMs = fc.oneof(fc.constantFrom(0, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
export const keyIndex = fc.nat(119);
export const stream = fc.nat(255);
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });

const idOf = <T extends string>(kind: IdKind<T>): fc.Arbitrary<T> =>
  bytes(kind.sizeBytes).map((raw) => kind.fromBytes(raw));

export const tenant = idOf(TenantId);
export const terminal = idOf(TerminalId);
export const routing = idOf(RoutingId);
export const recording = idOf(RecordingId);
export const envelope = idOf(EnvelopeId);
export const boot = idOf(BootId);
export const keyId = idOf(KeyId);

// oxlint-disable-next-line no-control-regex -- control characters are what this keeps out
const printable = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]+$/u;
const name = fc
  .string({ minLength: 1, maxLength: 20, unit: "grapheme" })
  .filter((text) => printable.test(text) && text.length <= 64);
const units = name.filter((text) => !/\s/.test(text) && text.length <= 32);
const gain = fc.constantFrom("200", "200.", ".5", "-1.052e+04", "+1E-3", "14184.489795918365");

export const lead: fc.Arbitrary<LeadDescriptor> = fc.record({
  name,
  units,
  gainAduPerUnit: gain,
  baselineAdu: int32,
  samplesPerFrame: fc.integer({ min: 1, max: 64 }),
  skewFrames: fc.nat(65_535),
  adcResolutionBits: fc.nat(32),
  adcZeroAdu: int32,
  missingCode: fc.option(int32),
});

const claimed = fc.option(
  fc.record({
    unixMs: fc.integer({ min: -8.64e15, max: 8.64e15 }),
    zoneOffsetMinutes: fc.option(fc.integer({ min: -1080, max: 1080 })),
  }),
);

const described = {
  boot: fc.option(fc.record({ bootId: boot, monotonicMs: unixMs })),
  claimed,
  firstFrame: fc.oneof(fc.constantFrom(0, FIRST_FRAME_MAX), fc.nat()),
  predecessor: fc.option(fc.record({ recording, cause: fc.constantFrom(...PREDECESSOR_CAUSES) })),
};

const waveform: fc.Arbitrary<WaveformDescriptor> = fc.record({
  ...described,
  kind: fc.constant(BODY_KIND.waveform),
  frameCount: fc.nat(1953),
  shape: fc.record({
    frameRateHz: fc.constantFrom({ num: 360, den: 1 }, { num: 24_989, den: 400 }, { num: 1, den: 7 }),
    leads: fc.array(lead, { minLength: 1, maxLength: 12 }),
  }),
});

const ofObservations: fc.Arbitrary<ObservationDescriptor> = fc.record({
  ...described,
  kind: fc.constant(BODY_KIND.observation),
  frameCount: fc.nat(256),
  shape: fc.constant(null),
});

export const descriptor: fc.Arbitrary<SegmentDescriptor> = fc.oneof(waveform, ofObservations);

const code = fc.oneof(
  fc.stringMatching(/^\d{1,7}-\d$/),
  fc.stringMatching(/^MDCX?_[A-Z0-9_]{1,59}$/),
  fc.constantFrom("8480-6", "MDC_PRESS_BLD_NONINV_SYS"),
);

export const component: fc.Arbitrary<ObservationComponent> = fc.record({
  code,
  unit: fc.stringMatching(/^[!-~]{1,32}$/),
  value: fc.record({ mantissa: fc.maxSafeInteger(), exponent: fc.integer({ min: -12, max: 12 }) }),
});

/** Observations of one segment, in the order in which they came. */
export const observations: fc.Arbitrary<readonly Observation[]> = fc
  .array(
    fc.record({
      afterMs: uint32,
      claimed,
      device: fc.option(name),
      components: fc.uniqueArray(component, { minLength: 1, maxLength: 8, selector: (one) => one.code }),
    }),
    { maxLength: 12 },
  )
  .map((all) => all.toSorted((a, b) => a.afterMs - b.afterMs));

const keyUse = { cycle: uint32, index: keyIndex, use: uint32 };

export const segmentHeader: fc.Arbitrary<SegmentHeader> = fc.record({
  ...keyUse,
  suite: fc.constant(SUITE.pericard1),
  tenant,
  terminal,
  recording,
  stream,
  sequence: uint32,
  policyVersion: uint32,
  salt: hash,
  commitment: hash,
  prev: fc.option(hash),
  final: fc.boolean(),
});

const sealedData = { digest: hash, encoded: fc.uint8Array({ maxLength: 300 }) };

export const segmentBody: fc.Arbitrary<SegmentBody> = fc.oneof(
  fc.record({ ...sealedData, descriptor: waveform, codec: fc.constantFrom(...CODECS) }),
  fc.record({ ...sealedData, descriptor: ofObservations, codec: fc.constantFrom(...OBSERVATION_CODECS) }),
);

export const packageItem: fc.Arbitrary<PackageItem> = fc.record({
  ...keyUse,
  sequence: uint32,
  hash,
  prev: fc.option(hash),
  final: fc.boolean(),
  policyVersion: uint32,
  firstFrame: fc.oneof(fc.constantFrom(0, FIRST_FRAME_MAX), fc.nat()),
  frameCount: fc.nat(4_000_000),
  sizeBytes: fc.nat(16 * 1024 * 1024),
  codec: fc.constantFrom(...CODECS),
});

export const packageHeader: fc.Arbitrary<PackageHeader> = fc.record({
  suite: fc.constant(SUITE.pericard1),
  tenant,
  recording,
  stream,
  bodyKind: fc.constantFrom(BODY_KIND.waveform, BODY_KIND.observation),
  receivedAtUnixMs: unixMs,
  salt: hash,
  commitment: hash,
  items: fc.array(packageItem, { minLength: 1, maxLength: 64 }),
});

export const envelopeHeader: fc.Arbitrary<EnvelopeHeader> = fc.record({
  suite: fc.constant(SUITE.pericard1),
  envelope,
  routing,
  commitment: hash,
  paddedBytes: fc.integer({ min: 1, max: 8 }).map((count) => count * 256),
});

export const recipientHeader: fc.Arbitrary<RecipientHeader> = fc.record({
  hpkeKey: keyId,
  cycle: uint32,
  index: keyIndex,
});
