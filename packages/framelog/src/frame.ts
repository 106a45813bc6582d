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
import { FRAME_KIND_MAX, FRAME_START, FRAME_TAIL_BYTES, FRAME_TAIL_START, readFrameHead } from "./frame-head.ts";

/** One frame as read. `content` is a view into what was read. */
export interface Frame {
  /** 0 to 23: what the content is; 0 is a file's header. */
  readonly kind: number;
  /** Rises by one with each frame of a log, over all its files. A file's header has the number of the frame after it. */
  readonly number: number;
  readonly content: Uint8Array;
}

function byteStringHead(sizeBytes: number): Uint8Array {
  const head = encodeCbor(sizeBytes);
  head[0] = (head[0] ?? 0) | 0x40;
  return head;
}

function requireUint(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(`${name}: expected an integer from 0 to ${max}, got ${value}`);
}

/**
 * A frame as parts to append, the content uncopied.
 *
 * @throws {FrameError} ERR_FRAME_TOO_LARGE when the content is over 20 MiB and a little.
 * @throws {RangeError} when kind or number is not one that a reader takes.
 */
export function encodeFrame(frame: Frame): readonly Uint8Array[] {
  const { kind, number, content } = frame;
  requireUint("frame kind", kind, FRAME_KIND_MAX);
  requireUint("frame number", number, Number.MAX_SAFE_INTEGER);
  if (content.length > FRAME_CONTENT_BYTES_MAX) {
    throw new FrameError("ERR_FRAME_TOO_LARGE", `frame content is ${content.length} bytes`);
  }
  const head = concatBytes(FRAME_START, encodeCbor(kind), encodeCbor(number), byteStringHead(content.length));
  const tail = new Uint8Array(FRAME_TAIL_BYTES);
  tail[0] = FRAME_TAIL_START;
  new DataView(tail.buffer).setUint32(1, crc32(content, crc32(head)));
  return [head, content, tail];
}

/** Bytes of an encoded frame's parts. */
export function sizeOfParts(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** What stands at a place of a file. */
export type FrameAt =
  | { readonly state: "frame"; readonly frame: Frame; readonly sizeBytes: number }
  /** The bytes are the beginning of a frame and end inside it: an append that was cut, or a damaged length. */
  | { readonly state: "cut" }
  /** No frame begins here, or its checksum is wrong. */
  | { readonly state: "damaged" };

/** Reads the frame at the beginning of `bytes`, which must reach to the end of the frame or of the file. */
export function decodeFrame(bytes: Uint8Array): FrameAt {
  const head = readFrameHead(bytes);
  if (head === "cut" || head === "damaged") return { state: head };
  const contentEnd = head.contentOffsetBytes + head.contentBytes;
  if (bytes.length < contentEnd + FRAME_TAIL_BYTES) return { state: "cut" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const checksum = crc32(bytes.subarray(0, contentEnd));
  if (bytes[contentEnd] !== FRAME_TAIL_START || view.getUint32(contentEnd + 1) !== checksum) {
    return { state: "damaged" };
  }
  const content = bytes.subarray(head.contentOffsetBytes, contentEnd);
  return {
    state: "frame",
    frame: { kind: head.kind, number: head.number, content },
    sizeBytes: head.frameBytes,
  };
}
