/**
 * What the server gives back to a terminal: pages of its own streams, sealed to it.
 *
 * Source: paper B §4 (reverse output); docs/format.md §7.10; draft-ietf-cose-hpke-25 §3.3.
 */
import { decodeFirstCbor, encodeCbor, type CborValue } from "./cbor.ts";
import { ALGORITHM, decodeEncrypt, decodePericardHeader, encodePericardHeader } from "./cose.ts";
import { decodeRecipientHeader, type RecipientHeader } from "./envelope.ts";
import { ProtocolError } from "./errors.ts";
import { readFetchPlace, readStreamName, type FetchPlace, type StreamName } from "./fetch-back.ts";
import {
  readArray,
  readBoolean,
  readBytes,
  readBytesUpTo,
  readInt,
  readOptional,
  readTuple,
  readUint32,
  readUnixMs,
} from "./fields.ts";
import { RecordingId, RoutingId } from "./ids.ts";
import {
  ENVELOPE_PADDING_BYTES,
  RETURNED_CONTENT_BYTES_MAX,
  RETURNED_ITEMS_MAX,
  SEALED_SEGMENT_BYTES_MAX,
} from "./limits.ts";
import { readPericardSuite, type SUITE } from "./suites.ts";

/** What stands outside of the seal. */
export interface ReturnedHeader {
  readonly suite: typeof SUITE.pericard1;
  readonly routing: RoutingId;
  /** SHA-256 of the signed request that this answers. */
  readonly requestHash: Uint8Array;
  /** 32 bytes that bind the ciphertext to one content key. */
  readonly commitment: Uint8Array;
  /** Length of the padded plaintext in bytes, a multiple of 256. */
  readonly paddedBytes: number;
}

/** A returned page's COSE_Encrypt taken apart, nothing of it verified. */
export interface ParsedReturned {
  readonly header: ReturnedHeader;
  /** `hpkeKey` is the key id of the terminal's agreement key. */
  readonly recipient: RecipientHeader;
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly recipientProtectedBytes: Uint8Array;
  readonly encapsulatedKey: Uint8Array;
  readonly wrappedKey: Uint8Array;
}

/** A stream that the terminal may fetch. */
export interface ReturnedStream extends StreamName {
  readonly firstReceivedAtUnixMs: number;
  readonly segmentCount: number;
  readonly highestSequence: number;
}

/** Contents of a segment, or a part of them: a segment body as it was sealed by the terminal. */
export interface ReturnedSegment extends FetchPlace {
  readonly hash: Uint8Array;
  readonly prev: Uint8Array | null;
  readonly final: boolean;
  /** Bytes of the whole body. */
  readonly sizeBytes: number;
  readonly data: Uint8Array;
}

/** Streams of the current assignment, newest recording first. */
export interface ReturnedList {
  readonly kind: "list";
  readonly streams: readonly ReturnedStream[];
  /** Whether there are others after the last one. */
  readonly more: boolean;
}

/** All that the server has of a stream from one place to another. What is not listed between them, it does not have. */
export interface ReturnedPage {
  readonly kind: "page";
  readonly name: StreamName;
  readonly from: FetchPlace;
  /** Where the next page begins; null when the server has nothing after this one. */
  readonly next: FetchPlace | null;
  readonly segments: readonly ReturnedSegment[];
}

export type ReturnedContent = ReturnedList | ReturnedPage;

const LIST = 1;
const PAGE = 2;

/** The deterministic bytes of the protected header. @throws {ProtocolError} as {@link parseReturned}. */
export function encodeReturnedHeader(header: ReturnedHeader): Uint8Array {
  const { suite, routing, requestHash, commitment, paddedBytes } = header;
  const fields = [suite, RoutingId.toBytes(routing), requestHash, commitment, paddedBytes];
  readHeader(fields);
  return encodePericardHeader(ALGORITHM.aes256Gcm, fields);
}

function readHeader(value: unknown): ReturnedHeader {
  const fields = readTuple("returned header", value, 5);
  const paddedBytes = readInt("padded length", fields[4], ENVELOPE_PADDING_BYTES, RETURNED_CONTENT_BYTES_MAX);
  if (paddedBytes % ENVELOPE_PADDING_BYTES !== 0) {
    throw new ProtocolError("ERR_FIELD_RANGE", `padded length is not a multiple of ${ENVELOPE_PADDING_BYTES}`);
  }
  return {
    suite: readPericardSuite(fields[0]),
    routing: RoutingId.fromBytes(fields[1]),
    requestHash: readBytes("request", fields[2], 32),
    commitment: readBytes("commitment", fields[3], 32),
    paddedBytes,
  };
}

/** Takes the payload of a returned page's COSE_Sign1 apart. @throws {ProtocolError} with the code of what is wrong. */
export function parseReturned(payload: Uint8Array): ParsedReturned {
  const message = decodeEncrypt(payload);
  const header = readHeader(decodePericardHeader(message.protectedBytes, ALGORITHM.aes256Gcm));
  if (message.ciphertext.length !== header.paddedBytes + 16) {
    throw new ProtocolError("ERR_FIELD_RANGE", "padded length does not fit the ciphertext");
  }
  return {
    header,
    recipient: decodeRecipientHeader(message.recipientProtectedBytes),
    protectedBytes: message.protectedBytes,
    ciphertext: message.ciphertext,
    recipientProtectedBytes: message.recipientProtectedBytes,
    encapsulatedKey: readBytes("encapsulated key", message.encapsulatedKey, 32),
    wrappedKey: readBytes("wrapped key", message.wrappedKey, 48),
  };
}

/**
 * The plaintext, zero-padded to a multiple of 256 bytes.
 *
 * @throws {ProtocolError} as {@link decodeReturnedContent}; ERR_LENGTH_LIMIT when it is too long for one page.
 */
export function encodeReturnedContent(content: ReturnedContent): Uint8Array {
  const fields = content.kind === "list" ? listFields(content) : pageFields(content);
  readContent(fields);
  const items = encodeCbor(fields);
  const padded = new Uint8Array(Math.ceil(items.length / ENVELOPE_PADDING_BYTES) * ENVELOPE_PADDING_BYTES);
  requireContentBytes(padded.length);
  padded.set(items);
  return padded;
}

function requireContentBytes(sizeBytes: number): void {
  if (sizeBytes <= RETURNED_CONTENT_BYTES_MAX) return;
  throw new ProtocolError("ERR_LENGTH_LIMIT", `returned content is ${sizeBytes} bytes`);
}

function listFields({ streams, more }: ReturnedList): readonly CborValue[] {
  const items = streams.map(({ recording, stream, firstReceivedAtUnixMs, segmentCount, highestSequence }) => [
    RecordingId.toBytes(recording),
    stream,
    firstReceivedAtUnixMs,
    segmentCount,
    highestSequence,
  ]);
  return [LIST, items, more];
}

function placeFields({ sequence, offsetBytes }: FetchPlace): CborValue {
  return [sequence, offsetBytes];
}

function pageFields({ name, from, next, segments }: ReturnedPage): readonly CborValue[] {
  const items = segments.map(({ sequence, offsetBytes, hash, prev, final, sizeBytes, data }) => [
    sequence,
    offsetBytes,
    hash,
    prev,
    final,
    sizeBytes,
    data,
  ]);
  return [PAGE, RecordingId.toBytes(name.recording), name.stream, placeFields(from), next && placeFields(next), items];
}

/**
 * Reads a plaintext. A page is whole when it is read: its segments rise, none lies outside of its bounds, and only the
 * first and the last may be parts.
 *
 * @throws {ProtocolError} ERR_LENGTH_LIMIT, ERR_CBOR_MALFORMED, ERR_FIELD_RANGE, or ERR_PADDING_MALFORMED when what follows
 * the array is not fewer than 256 zero bytes.
 */
export function decodeReturnedContent(bytes: Uint8Array): ReturnedContent {
  requireContentBytes(bytes.length);
  const [value, padding] = decodeFirstCbor(bytes);
  if (padding.length >= ENVELOPE_PADDING_BYTES || padding.some((byte) => byte !== 0)) {
    throw new ProtocolError("ERR_PADDING_MALFORMED", "padding is not fewer than 256 zero bytes");
  }
  return readContent(value);
}

function readContent(value: unknown): ReturnedContent {
  const [kind] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (kind === LIST) return readList(value);
  if (kind === PAGE) return readPage(value);
  throw new ProtocolError("ERR_FIELD_RANGE", "returned content is neither a list nor a page");
}

function readList(value: unknown): ReturnedList {
  const [, streams, more] = readTuple("returned list", value, 3);
  return {
    kind: "list",
    streams: readArray("streams", streams, 0, RETURNED_ITEMS_MAX).map(readStream),
    more: readBoolean("more", more),
  };
}

function readStream(value: unknown): ReturnedStream {
  const fields = readTuple("stream", value, 5);
  return {
    ...readStreamName(fields[0], fields[1]),
    firstReceivedAtUnixMs: readUnixMs("first received at", fields[2]),
    segmentCount: readUint32("segment count", fields[3]),
    highestSequence: readUint32("highest sequence", fields[4]),
  };
}

function readPlace(value: unknown): FetchPlace {
  const [sequence, offset] = readTuple("place", value, 2);
  return readFetchPlace(sequence, offset);
}

function readPage(value: unknown): ReturnedPage {
  const fields = readTuple("returned page", value, 6);
  const page: ReturnedPage = {
    kind: "page",
    name: readStreamName(fields[1], fields[2]),
    from: readPlace(fields[3]),
    next: readOptional(fields[4], readPlace),
    segments: readArray("segments", fields[5], 0, RETURNED_ITEMS_MAX).map(readSegment),
  };
  requireWhole(page);
  return page;
}

function readSegment(value: unknown): ReturnedSegment {
  const fields = readTuple("returned segment", value, 7);
  const sizeBytes = readInt("size", fields[5], 1, SEALED_SEGMENT_BYTES_MAX);
  return {
    ...readFetchPlace(fields[0], fields[1]),
    hash: readBytes("h", fields[2], 32),
    prev: readOptional(fields[3], (prev) => readBytes("prev", prev, 32)),
    final: readBoolean("final", fields[4]),
    sizeBytes,
    data: readBytesUpTo("data", fields[6], sizeBytes),
  };
}

function refusePage(): never {
  throw new ProtocolError("ERR_FIELD_RANGE", "returned page does not hold what its bounds say");
}

/** Each segment begins where the page or it begins, and ends where it or the page ends. */
function requireWhole({ from, next, segments }: ReturnedPage): void {
  let place: FetchPlace = from;
  for (const [i, segment] of segments.entries()) {
    const { sequence, offsetBytes, data, sizeBytes } = segment;
    const begins = sequence === place.sequence ? offsetBytes === place.offsetBytes : offsetBytes === 0;
    const isLeftOut = place.offsetBytes > 0 && sequence !== place.sequence;
    if (sequence < place.sequence || isLeftOut || !begins || data.length === 0) refusePage();
    const endBytes = offsetBytes + data.length;
    if (endBytes > sizeBytes) refusePage();
    if (endBytes === sizeBytes) place = { sequence: sequence + 1, offsetBytes: 0 };
    else if (i < segments.length - 1) refusePage();
    else place = { sequence, offsetBytes: endBytes };
  }
  const isPart = place.offsetBytes > 0;
  if (isPart && (segments.length === 0 || next === null)) refusePage();
  if (next && !(isPart ? isSame(next, place) : next.sequence >= place.sequence && next.offsetBytes === 0)) refusePage();
  if (next && isSame(next, from)) refusePage();
}

function isSame(a: FetchPlace, b: FetchPlace): boolean {
  return a.sequence === b.sequence && a.offsetBytes === b.offsetBytes;
}
