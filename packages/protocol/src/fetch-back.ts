/**
 * What a terminal says when it asks for its own streams back, and the challenge that it must have for it.
 *
 * Source: paper B §4 (reverse output); docs/format.md §7.10.
 */
import type { CborValue } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readBytes, readBytesUpTo, readInt, readOptional, readTuple, readUint32, readUnixMs } from "./fields.ts";
import { RecordingId, RoutingId } from "./ids.ts";
import { FETCH_CHALLENGE_BYTES_MAX, KEYS_PER_BLOCK, SEALED_SEGMENT_BYTES_MAX, STREAM_MAX } from "./limits.ts";
import { statementKind } from "./statement-kind.ts";

/** One stream of one recording. */
export interface StreamName {
  readonly recording: RecordingId;
  readonly stream: number;
}

/** Where a page begins: a segment, and how many bytes of its contents the terminal has. */
export interface FetchPlace {
  readonly sequence: number;
  readonly offsetBytes: number;
}

/** What is wanted: the list of streams after one of them, or a page of one stream. */
export type FetchWanted =
  | { readonly kind: "list"; readonly after: StreamName | null }
  | { readonly kind: "page"; readonly name: StreamName; readonly from: FetchPlace };

/** Terminal to server: give me back what is mine. Without a challenge it asks for one and for nothing else. */
export interface FetchBack {
  readonly routing: RoutingId;
  /** Rises strictly over the terminal's life: a request is answered once. */
  readonly contact: number;
  /** The group whose K_return the answer is sealed under. */
  readonly cycle: number;
  readonly index: number;
  /** The signed challenge as the server gave it, and what is wanted with it; null when one is asked for. */
  readonly asked: { readonly challenge: Uint8Array; readonly wanted: FetchWanted } | null;
}

const LIST = 1;
const PAGE = 2;

/** @throws {ProtocolError} ERR_FIELD_RANGE. */
export function readStreamName(recording: unknown, stream: unknown): StreamName {
  return { recording: RecordingId.fromBytes(recording), stream: readInt("stream", stream, 0, STREAM_MAX) };
}

/** @throws {ProtocolError} ERR_FIELD_RANGE. */
export function readFetchPlace(sequence: unknown, offset: unknown): FetchPlace {
  return {
    sequence: readUint32("sequence", sequence),
    offsetBytes: readInt("offset", offset, 0, SEALED_SEGMENT_BYTES_MAX),
  };
}

function encodeWanted(wanted: FetchWanted): CborValue {
  if (wanted.kind === "list") {
    const { after } = wanted;
    return [LIST, after && [RecordingId.toBytes(after.recording), after.stream]];
  }
  const { name, from } = wanted;
  return [PAGE, RecordingId.toBytes(name.recording), name.stream, from.sequence, from.offsetBytes];
}

function decodeWanted(value: unknown): FetchWanted {
  const [kind] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (kind === LIST) {
    const [, after] = readTuple("wanted list", value, 2);
    const readAfter = (name: unknown): StreamName => {
      const [recording, stream] = readTuple("stream", name, 2);
      return readStreamName(recording, stream);
    };
    return { kind: "list", after: readOptional(after, readAfter) };
  }
  if (kind !== PAGE) throw new ProtocolError("ERR_FIELD_RANGE", "what is wanted is neither a list nor a page");
  const [, recording, stream, sequence, offset] = readTuple("wanted page", value, 5);
  return { kind: "page", name: readStreamName(recording, stream), from: readFetchPlace(sequence, offset) };
}

function decodeAsked(challenge: unknown, wanted: unknown): FetchBack["asked"] {
  if (challenge === null && wanted === null) return null;
  return {
    challenge: readBytesUpTo("challenge", challenge, FETCH_CHALLENGE_BYTES_MAX),
    wanted: decodeWanted(wanted),
  };
}

export const FetchBack = statementKind<FetchBack>(
  "fetch-back",
  6,
  ({ routing, contact, cycle, index, asked }) => [
    RoutingId.toBytes(routing),
    contact,
    cycle,
    index,
    asked && asked.challenge,
    asked && encodeWanted(asked.wanted),
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    contact: readUnixMs("contact", fields[1]),
    cycle: readUint32("cycle", fields[2]),
    index: readInt("key index", fields[3], 0, KEYS_PER_BLOCK - 1),
    asked: decodeAsked(fields[4], fields[5]),
  }),
);

/** Server to terminal: what a request must carry to be answered before it expires, in server time. */
export interface FetchChallenge {
  readonly routing: RoutingId;
  /** 32 random bytes. */
  readonly nonce: Uint8Array;
  readonly issuedAtUnixMs: number;
  readonly expiresAtUnixMs: number;
}

export const FetchChallenge = statementKind<FetchChallenge>(
  "fetch challenge",
  4,
  (challenge) => [
    RoutingId.toBytes(challenge.routing),
    challenge.nonce,
    challenge.issuedAtUnixMs,
    challenge.expiresAtUnixMs,
  ],
  (fields) => ({
    routing: RoutingId.fromBytes(fields[0]),
    nonce: readBytes("nonce", fields[1], 32),
    issuedAtUnixMs: readUnixMs("issued at", fields[2]),
    expiresAtUnixMs: readUnixMs("expires at", fields[3]),
  }),
);
