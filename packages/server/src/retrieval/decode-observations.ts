/** Observations of an opened segment. Source: docs/format.md §5.6. */
import { BYTE_CODECS, EcgError } from "@pericard/ecg";
import {
  decodeObservations,
  isImplausible,
  OBSERVATIONS_BYTES_MAX,
  ProtocolError,
  type Observation,
  type SegmentBody,
} from "@pericard/protocol";
import { emptySummary, type Summary } from "./summary.ts";

/** The observations of one segment; null when what the terminal sealed does not decode. */
export type ReadObservations = Pick<SegmentBody["descriptor"], "boot" | "claimed" | "firstFrame"> & {
  readonly observations: readonly Observation[] | null;
};

/** Reads a segment of observations. */
export function readObservations(body: SegmentBody): ReadObservations {
  const { boot, claimed, firstFrame } = body.descriptor;
  return { boot, claimed, firstFrame, observations: findObservations(body) ?? null };
}

/** Observations, or undefined when the terminal sealed bytes that are none: the segment is kept as suspect. */
function findObservations({ codec, descriptor, encoded }: SegmentBody): readonly Observation[] | undefined {
  try {
    const bytes = codec === "gzip" ? BYTE_CODECS.gzip.decode(encoded, OBSERVATIONS_BYTES_MAX) : encoded;
    return decodeObservations(bytes, descriptor.frameCount);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof EcgError) return undefined;
    throw error;
  }
}

/** Observations are few enough to be read themselves: they have a summary without leads, for the mark beside it. */
export function examineObservations(body: SegmentBody): { readonly summary: Summary; readonly suspect: boolean } {
  const observations = findObservations(body);
  const suspect = observations?.some(({ components }) => components.some(isImplausible)) ?? true;
  return { summary: emptySummary(0), suspect };
}
