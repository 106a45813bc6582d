/**
 * One frame: a CBOR item that can be found again in a damaged file.
 *
 *     frame = 55799([ kind: uint, number: uint, content: bstr, checksum: bstr .size 4 ])
 *
 * The checksum is CRC-32 (ISO-HDLC), big-endian, over every byte of the frame before it. It finds accidents; what an
 * attacker changes is found by the seals and signatures inside.
 *
 * Source: docs/format.md §10; RFC 8742; RFC 8949 §3.4.6.
 */
import { crc32 } from "node:zlib";
import { concatBytes, encodeCbor, FRAME_CONTENT_BYTES_MAX } from "@pericard/protocol";
import { FrameError } from "./errors.ts";

/** One frame as read. `content` is a view into what was read. */
export interface Frame {
  /** 0 to 23: what the content is; 0 is a file's header. */
  readonly kind: number;
  /** Rises by one with each frame of a log, over all its files. */
  readonly number: number;
  readonly content: Uint8Array;
}

/** What a frame begins with: tag 55799 and an array of four. */
export const FRAME_START = Uint8Array.of(0xd9, 0xd9, 0xf7, 0x84);
const TAIL_BYTES = 5;

/** Longest possible bytes before the content: start 4, kind 1, number 9, length 5. */
export const FRAME_HEAD_BYTES_MAX = 19;

/** Bytes that a frame adds to a content, at most. */
export const FRAME_OVERHEAD_BYTES_MAX = FRAME_HEAD_BYTES_MAX + TAIL_BYTES;

function byteStringHead(sizeBytes: number): Uint8Array {
  const head = encodeCbor(sizeBytes);
  head[0] = (head[0] ?? 0) | 0x40;
  return head;
}

/**
 * A frame as parts to append, the content uncopied.
 *
 * @throws {FrameError} ERR_FRAME_TOO_LARGE when the content is over 20 MiB and a little.
 */
export function encodeFrame(frame: Frame): readonly Uint8Array[] {
  const { kind, number, content } = frame;
  if (content.length > FRAME_CONTENT_BYTES_MAX) {
    throw new FrameError("ERR_FRAME_TOO_LARGE", `frame content is ${content.length} bytes`);
  }
  const head = concatBytes(FRAME_START, encodeCbor(kind), encodeCbor(number), byteStringHead(content.length));
  const tail = new Uint8Array(TAIL_BYTES);
  tail[0] = 0x44;
  new DataView(tail.buffer).setUint32(1, crc32(content, crc32(head)));
  return [head, content, tail];
}

/** Bytes of an encoded frame's parts. */
export function sizeOfParts(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Where a frame's content lies, known from its first bytes. */
interface FrameHead {
  readonly kind: number;
  readonly number: number;
  readonly contentOffsetBytes: number;
  readonly contentBytes: number;
}

/** An unsigned CBOR number of the given major type at a place, or undefined when there is none. */
function readUint(bytes: Uint8Array, at: number, major: number): { value: number; next: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first >> 5 !== major) return undefined;
  const low = first & 0x1f;
  if (low < 24) return { value: low, next: at + 1 };
  const widthBytes = [1, 2, 4, 8][low - 24];
  if (widthBytes === undefined || at + 1 + widthBytes > bytes.length) return undefined;
  let value = 0;
  for (let i = 1; i <= widthBytes; i += 1) value = value * 256 + (bytes[at + i] ?? 0);
  return Number.isSafeInteger(value) ? { value, next: at + 1 + widthBytes } : undefined;
}

function readHead(bytes: Uint8Array): FrameHead | undefined {
  if (!FRAME_START.every((byte, i) => bytes[i] === byte)) return undefined;
  const kind = readUint(bytes, FRAME_START.length, 0);
  const number = kind && readUint(bytes, kind.next, 0);
  const length = number && readUint(bytes, number.next, 2);
  if (!length || kind.value > 23 || length.value > FRAME_CONTENT_BYTES_MAX) return undefined;
  return { kind: kind.value, number: number.value, contentOffsetBytes: length.next, contentBytes: length.value };
}

/** What stands at a place of a file. */
export type FrameAt =
  | { readonly state: "frame"; readonly frame: Frame; readonly sizeBytes: number }
  /** The bytes end inside a frame: an append that was cut. */
  | { readonly state: "cut" }
  /** No frame begins here, or its checksum is wrong. */
  | { readonly state: "damaged" };

/** Total bytes of the frame that begins here, or undefined when the first bytes are not a frame's head. */
export function frameSizeFromHead(bytes: Uint8Array): number | undefined {
  const head = readHead(bytes);
  return head && head.contentOffsetBytes + head.contentBytes + TAIL_BYTES;
}

/** Reads the frame at the beginning of `bytes`, which must reach to the end of the frame or of the file. */
export function decodeFrame(bytes: Uint8Array): FrameAt {
  const head = readHead(bytes);
  if (!head) return { state: bytes.length < FRAME_HEAD_BYTES_MAX ? "cut" : "damaged" };
  const contentEnd = head.contentOffsetBytes + head.contentBytes;
  if (bytes.length < contentEnd + TAIL_BYTES) return { state: "cut" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[contentEnd] !== 0x44 || view.getUint32(contentEnd + 1) !== crc32(bytes.subarray(0, contentEnd))) {
    return { state: "damaged" };
  }
  const content = bytes.subarray(head.contentOffsetBytes, contentEnd);
  return {
    state: "frame",
    frame: { kind: head.kind, number: head.number, content },
    sizeBytes: contentEnd + TAIL_BYTES,
  };
}
