/**
 * What a frame begins and ends with, read from its first bytes alone.
 *
 * Source: docs/format.md §10; RFC 8949 §3.
 */
import { FRAME_CONTENT_BYTES_MAX } from "@pericard/protocol";

/** What a frame begins with: tag 55799 and an array of four. */
export const FRAME_START = Uint8Array.of(0xd9, 0xd9, 0xf7, 0x84);

/** Largest kind; 0 is a file's header. */
export const FRAME_KIND_MAX = 23;

/** After the content: the head of a byte string of four, and the checksum. */
export const FRAME_TAIL_START = 0x44;
export const FRAME_TAIL_BYTES = 5;

/** Longest possible bytes before the content: start 4, kind 1, number 9, length 5. */
export const FRAME_HEAD_BYTES_MAX = 19;

/** Bytes that a frame adds to a content, at most. */
export const FRAME_OVERHEAD_BYTES_MAX = FRAME_HEAD_BYTES_MAX + FRAME_TAIL_BYTES;

/** Where a frame's content lies, known from its first bytes. */
export interface FrameHead {
  readonly kind: number;
  readonly number: number;
  readonly contentOffsetBytes: number;
  readonly contentBytes: number;
  /** Bytes of the whole frame. */
  readonly frameBytes: number;
}

/** Why there is no head: the bytes end inside what could be one, or no head begins like this. */
export type NoHead = "cut" | "damaged";

const WIDTH_BYTES: readonly number[] = [1, 2, 4, 8];

/** An unsigned CBOR number of the given major type at a place, after whose first byte come at most `widthBytesMax`. */
function readUint(
  bytes: Uint8Array,
  at: number,
  major: number,
  widthBytesMax: number,
): { value: number; next: number } | NoHead {
  const first = bytes[at];
  if (first === undefined) return "cut";
  const low = first & 0x1f;
  if (first >> 5 !== major) return "damaged";
  if (low < 24) return { value: low, next: at + 1 };
  const widthBytes = WIDTH_BYTES[low - 24];
  if (widthBytes === undefined || widthBytes > widthBytesMax) return "damaged";
  if (at + 1 + widthBytes > bytes.length) return "cut";
  let value = 0;
  for (let i = 1; i <= widthBytes; i += 1) value = value * 256 + (bytes[at + i] ?? 0);
  return Number.isSafeInteger(value) ? { value, next: at + 1 + widthBytes } : "damaged";
}

/** Whether the bytes begin as a frame does, as far as they reach. */
function startsLikeFrame(bytes: Uint8Array): boolean {
  return bytes.subarray(0, FRAME_START.length).every((byte, i) => byte === FRAME_START[i]);
}

/**
 * The head at the beginning of `bytes`, of which {@link FRAME_HEAD_BYTES_MAX} suffice. Nothing is verified but the form:
 * the checksum covers the head too, and only {@link decodeFrame} looks at it.
 */
export function readFrameHead(bytes: Uint8Array): FrameHead | NoHead {
  if (!startsLikeFrame(bytes)) return "damaged";
  const kind = readUint(bytes, FRAME_START.length, 0, 0);
  if (typeof kind === "string") return kind;
  const number = readUint(bytes, kind.next, 0, 8);
  if (typeof number === "string") return number;
  const length = readUint(bytes, number.next, 2, 4);
  if (typeof length === "string") return length;
  if (kind.value > FRAME_KIND_MAX || length.value > FRAME_CONTENT_BYTES_MAX) return "damaged";
  return {
    kind: kind.value,
    number: number.value,
    contentOffsetBytes: length.next,
    contentBytes: length.value,
    frameBytes: length.next + length.value + FRAME_TAIL_BYTES,
  };
}
