import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  COMPONENTS_PER_OBSERVATION_MAX,
  decodeObservations,
  encodeObservations,
  OBSERVATIONS_BYTES_MAX,
  OBSERVATIONS_PER_SEGMENT_MAX,
  type ProtocolError,
  type Observation,
} from "@pericard/protocol";
import { bytesOf, countCases, loadCases } from "../../../vectors/load.ts";
import * as some from "./support/arbitraries.ts";
import { expectCode } from "./support/expect-code.ts";

/** As many and as long as they may be. */
function largest(): readonly Observation[] {
  const components = Array.from({ length: COMPONENTS_PER_OBSERVATION_MAX }, (_, i) => ({
    code: `MDC_${String(i).repeat(60)}`,
    unit: "~".repeat(32),
    value: { mantissa: -Number.MAX_SAFE_INTEGER, exponent: -12 },
  }));
  const claimed = { unixMs: -8.64e15, zoneOffsetMinutes: -1080 };
  const one = { afterMs: 2 ** 32 - 1, claimed, device: "々".repeat(64), components };
  return Array.from({ length: OBSERVATIONS_PER_SEGMENT_MAX }, () => one);
}

describe("observations", () => {
  it("go both ways", () => {
    fc.assert(
      fc.property(some.observations, (observations) => {
        expect(decodeObservations(encodeObservations(observations), observations.length)).toEqual(observations);
      }),
    );
  });

  it("fit their limits of bytes and items when they are the largest, and not much more", () => {
    const encoded = encodeObservations(largest());
    expect(decodeObservations(encoded, OBSERVATIONS_PER_SEGMENT_MAX)).toHaveLength(OBSERVATIONS_PER_SEGMENT_MAX);
    expect(encoded.length).toBeGreaterThan(OBSERVATIONS_BYTES_MAX / 1.25);
    expectCode(() => decodeObservations(new Uint8Array(OBSERVATIONS_BYTES_MAX + 1), 1), "ERR_LENGTH_LIMIT");
  });

  it("are not encoded when a reader would refuse them", () => {
    const [one] = largest();
    expectCode(() => encodeObservations([{ ...(one as Observation), device: "" }]), "ERR_FIELD_RANGE");
  });

  it("are refused byte by byte without anything but a typed error", () => {
    const encoded = encodeObservations(largest().slice(0, 1));
    for (let length = 0; length < encoded.length; length += 1) {
      expectCode(() => decodeObservations(encoded.subarray(0, length), 1), "ERR_CBOR_MALFORMED");
    }
  });
});

describe("vectors of observations", () => {
  const cases = loadCases("observations");

  it.each(cases)("$name", (vector) => {
    const read = () => decodeObservations(bytesOf(vector, "bytesHex"), vector["count"] as number);
    if (vector.expect === "accept") {
      expect(encodeObservations(read())).toEqual(bytesOf(vector, "bytesHex"));
      expect(read()).toEqual(vector.decoded);
    } else expectCode(read, vector.expect as ProtocolError["code"]);
  });

  it("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 4, refused: 48 });
  });
});
