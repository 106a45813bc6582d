/**
 * What the server says of an envelope that it cannot open any more.
 *
 * Source: docs/format.md §7.12.
 */
import { readUnixMs } from "./fields.ts";
import { EnvelopeId, KeyId, RoutingId } from "./ids.ts";
import { statementKind } from "./statement-kind.ts";

/** Server to terminal: the key that this envelope is sealed to is gone. Seal its segments anew, to the newest key. */
export interface Rewrap {
  readonly routing: RoutingId;
  readonly answeredAtUnixMs: number;
  readonly envelope: EnvelopeId;
  /** The hpke key that the envelope is sealed to. */
  readonly hpkeKey: KeyId;
}

export const Rewrap = statementKind<Rewrap>(
  "rewrap",
  4,
  (rewrap) => [
    RoutingId.toBytes(rewrap.routing),
    rewrap.answeredAtUnixMs,
    EnvelopeId.toBytes(rewrap.envelope),
    KeyId.toBytes(rewrap.hpkeKey),
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    answeredAtUnixMs: readUnixMs("answered at", fields[1]),
    envelope: EnvelopeId.fromBytes(fields[2]),
    hpkeKey: KeyId.fromBytes(fields[3]),
  }),
);
