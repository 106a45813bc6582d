/**
 * Observations: single measured values, as a segment of body kind 2 holds them before its codec.
 *
 * Source: docs/format.md §5.6.
 */
import { decodeCanonical, encodeCbor, type CborValue } from "./cbor.ts";
import { DECIMAL_EXPONENT_MAX, type Decimal } from "./decimal.ts";
import { decodeClaimedTime, encodeClaimedTime, type ClaimedTime } from "./descriptor.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readInt, readLabel, readOptional, readText, readTuple, readUint32 } from "./fields.ts";
import {
  COMPONENTS_PER_OBSERVATION_MAX,
  DEVICE_NAME_LENGTH_MAX,
  OBSERVATION_CODE_LENGTH_MAX,
  OBSERVATION_ITEMS_MAX,
  OBSERVATIONS_BYTES_MAX,
  OBSERVATIONS_PER_SEGMENT_MAX,
  UNITS_LENGTH_MAX,
} from "./limits.ts";

/** One value: what was measured, in which unit, how much. */
export interface ObservationComponent {
  /** LOINC number ("8480-6") or reference id of IEEE 11073-10101 ("MDC_PRESS_BLD_NONINV_SYS"). */
  readonly code: string;
  /** UCUM, case-sensitive: 1 to 32 printable ASCII characters without space. "1" when there is none. */
  readonly unit: string;
  readonly value: Decimal;
}

/** What one device measured at one time. Blood pressure is one observation of two or more components. */
export interface Observation {
  /** When it came to the terminal: milliseconds after the first frame's monotonic time in the descriptor, u32. */
  readonly afterMs: number;
  /** When it was measured, as the device says; null when it does not. */
  readonly claimed: ClaimedTime | null;
  /** What the site calls the device, 1 to 64 printable characters; null when it has no name. */
  readonly device: string | null;
  /** 1 to 8, each of another code. */
  readonly components: readonly ObservationComponent[];
}

/** Grammar of LOINC numbers and of reference ids; MDCX_ begins those that a vendor made. */
const CODE = /^(\d{1,7}-\d|MDCX?_[A-Z0-9_]+)$/;
const UNIT = /^[!-~]+$/;
const LINE_BREAK = /[\u0080-\u009f\u2028\u2029]/;

/** @throws {ProtocolError} ERR_FIELD_RANGE unless the text is a LOINC number or a reference id of at most 64 characters. */
export function readObservationCode(value: unknown): string {
  const text = readText("code", value, OBSERVATION_CODE_LENGTH_MAX);
  if (CODE.test(text)) return text;
  throw new ProtocolError("ERR_FIELD_RANGE", "code is neither a LOINC number nor a reference id of IEEE 11073-10101");
}

/** @throws {ProtocolError} ERR_FIELD_RANGE unless the text can be a unit of UCUM. */
export function readUnit(value: unknown): string {
  const text = readText("unit", value, UNITS_LENGTH_MAX);
  if (UNIT.test(text)) return text;
  throw new ProtocolError("ERR_FIELD_RANGE", "unit is not 1 to 32 printable ASCII characters");
}

/** @throws {ProtocolError} ERR_FIELD_RANGE unless the text is 1 to 64 printable characters. */
export function readDeviceName(value: unknown): string {
  return readLabel("device", value, DEVICE_NAME_LENGTH_MAX, LINE_BREAK);
}

function encodeComponent({ code, unit, value }: ObservationComponent): CborValue {
  return [code, unit, value.mantissa, value.exponent];
}

function decodeComponent(value: unknown): ObservationComponent {
  const [code, unit, mantissa, exponent] = readTuple("component", value, 4);
  return {
    code: readObservationCode(code),
    unit: readUnit(unit),
    value: {
      mantissa: readInt("mantissa", mantissa, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      exponent: readInt("exponent", exponent, -DECIMAL_EXPONENT_MAX, DECIMAL_EXPONENT_MAX),
    },
  };
}

function decodeObservation(value: unknown): Observation {
  const [afterMs, claimed, device, components] = readTuple("observation", value, 4);
  const read = readArray("components", components, 1, COMPONENTS_PER_OBSERVATION_MAX).map(decodeComponent);
  if (new Set(read.map(({ code }) => code)).size !== read.length) {
    throw new ProtocolError("ERR_FIELD_RANGE", "two components of an observation have one code");
  }
  return {
    afterMs: readUint32("time after the first", afterMs),
    claimed: readOptional(claimed, decodeClaimedTime),
    device: readOptional(device, readDeviceName),
    components: read,
  };
}

function readObservations(value: unknown): readonly Observation[] {
  const observations = readArray("observations", value, 0, OBSERVATIONS_PER_SEGMENT_MAX).map(decodeObservation);
  if (observations.some(({ afterMs }, i) => afterMs < (observations[i - 1]?.afterMs ?? 0))) {
    throw new ProtocolError("ERR_FIELD_RANGE", "observations are not in the order in which they came");
  }
  return observations;
}

/** Deterministic bytes of a segment's observations, before its codec. @throws {ProtocolError} as {@link decodeObservations}. */
export function encodeObservations(observations: readonly Observation[]): Uint8Array {
  const value = observations.map(({ afterMs, claimed, device, components }) => [
    afterMs,
    claimed && encodeClaimedTime(claimed),
    device,
    components.map(encodeComponent),
  ]);
  readObservations(value);
  return encodeCbor(value);
}

/**
 * Observations of a segment, by bytes that nobody has checked.
 *
 * @throws {ProtocolError} ERR_LENGTH_LIMIT for more than 320 KiB, ERR_CBOR_MALFORMED, ERR_FIELD_RANGE also when they are not
 * `count`, as their descriptor states.
 */
export function decodeObservations(bytes: Uint8Array, count: number): readonly Observation[] {
  const observations = readObservations(decodeCanonical(bytes, OBSERVATIONS_BYTES_MAX, OBSERVATION_ITEMS_MAX));
  if (observations.length === count) return observations;
  throw new ProtocolError(
    "ERR_FIELD_RANGE",
    `segment has ${observations.length} observations, its descriptor ${count}`,
  );
}
