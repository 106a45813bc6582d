/**
 * What every payload of a statement has in common: the suite, then a fixed number of fields, in one encoding.
 *
 * Source: docs/format.md §7.
 */
import { decodeCanonical, encodeCbor, type CborValue } from "./cbor.ts";
import { readTuple } from "./fields.ts";
import { STATEMENT_BYTES_MAX } from "./limits.ts";
import { readPericardSuite, SUITE } from "./suites.ts";

/** One kind of payload. @throws {ProtocolError} Both refuse what is out of range; `decode` also what is not deterministic. */
export interface StatementKind<T> {
  encode(statement: T): Uint8Array;
  decode(payload: Uint8Array): T;
}

/** Makes a kind whose payload is the suite and then `length` fields. */
export function statementKind<T>(
  name: string,
  length: number,
  toFields: (statement: T) => readonly CborValue[],
  fromFields: (fields: readonly unknown[]) => T,
): StatementKind<T> {
  return {
    encode: (statement) => {
      const fields = toFields(statement);
      fromFields(fields);
      return encodeCbor([SUITE.pericard1, ...fields]);
    },
    decode: (payload) => {
      const [suite, ...fields] = readTuple(name, decodeCanonical(payload, STATEMENT_BYTES_MAX), length + 1);
      readPericardSuite(suite);
      return fromFields(fields);
    },
  };
}
