/** What a vector is, as data. Source: vectors/README.md. */
import { toHex } from "@pericard/protocol";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One case. `expect` is "accept", or the code of the refusal. Further members are its inputs, bytes as hex. */
export interface VectorCase {
  readonly name: string;
  readonly expect: string;
  readonly bytesHex: string;
  /** What an accepted case says. */
  readonly decoded?: Json;
  readonly [input: string]: Json | undefined;
}

/** One file of vectors: one structure. */
export interface VectorFile {
  readonly structure: string;
  readonly source: string;
  readonly steps: string;
  readonly cases: readonly VectorCase[];
}

/** A decoded value as JSON: byte strings as hex, all else as it is. */
export function toJson(value: unknown): Json {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]));
  }
  return value as Json;
}
