import { ProtocolError } from "./errors.ts";

/** Numbers of the suites, as in the TRSM image and in every header. Source: docs/format.md §4. */
export const SUITE = { paper2018: 0, pericard1: 1 } as const;
export type Suite = (typeof SUITE)[keyof typeof SUITE];

/**
 * The suite of a message that says which one it has. A reader compares it with the registration in any case.
 *
 * @throws {ProtocolError} ERR_SUITE_UNKNOWN when the structure exists in pericard-1 alone and the number is another.
 */
export function readPericardSuite(value: unknown): typeof SUITE.pericard1 {
  if (value === SUITE.pericard1) return SUITE.pericard1;
  throw new ProtocolError("ERR_SUITE_UNKNOWN", "structure is not of suite pericard-1");
}
