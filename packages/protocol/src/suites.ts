import { ProtocolError } from "./errors.ts";

/** Numbers of the suites, as in the TRSM image and in every header. Source: docs/format.md §4. */
export const SUITE = { paper2018: 0, pericard1: 1 } as const;
export type Suite = (typeof SUITE)[keyof typeof SUITE];

/** Names of the suites, as people and answers call them. */
export const SUITE_NAME = { [SUITE.paper2018]: "paper-2018", [SUITE.pericard1]: "pericard-1" } as const;
export type SuiteName = (typeof SUITE_NAME)[Suite];

/**
 * The suite of a message that says which one it has. A reader compares it with the registration in any case.
 *
 * @throws {ProtocolError} ERR_SUITE_UNKNOWN when the structure exists in pericard-1 alone and the number is another.
 */
export function readPericardSuite(value: unknown): typeof SUITE.pericard1 {
  if (value === SUITE.pericard1) return SUITE.pericard1;
  throw new ProtocolError("ERR_SUITE_UNKNOWN", "structure is not of suite pericard-1");
}

/**
 * The suite of a structure that exists in paper-2018 alone.
 *
 * @throws {ProtocolError} ERR_SUITE_UNKNOWN when the number is another.
 */
export function readPaperSuite(value: unknown): typeof SUITE.paper2018 {
  if (value === SUITE.paper2018) return SUITE.paper2018;
  throw new ProtocolError("ERR_SUITE_UNKNOWN", "structure is not of suite paper-2018");
}
