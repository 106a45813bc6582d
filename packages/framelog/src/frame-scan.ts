/** Reading a whole file of frames, past whatever is damaged in it. Source: docs/format.md §10.2. */
import { decodeFrame, type Frame, type FrameAt } from "./frame.ts";
import { FRAME_HEAD_BYTES_MAX, readFrameHead } from "./frame-head.ts";
import { FrameSearch } from "./frame-search.ts";
import type { LogFile } from "./folder.ts";

/** A frame with its place in the file, or a run of bytes that are none. */
export type Scanned =
  | { readonly kind: "frame"; readonly frame: Frame; readonly offsetBytes: number; readonly sizeBytes: number }
  | { readonly kind: "cut" | "damaged"; readonly offsetBytes: number; readonly sizeBytes: number };

/** The frame at a place, read with as many bytes as its head asks for. */
export function readFrameAt(file: LogFile, offsetBytes: number): FrameAt {
  const head = readFrameHead(file.read(offsetBytes, FRAME_HEAD_BYTES_MAX));
  if (typeof head === "string") return { state: head };
  // A length that reaches past the end is not read: it may be the damage itself.
  if (offsetBytes + head.frameBytes > file.sizeBytes) return { state: "cut" };
  return decodeFrame(file.read(offsetBytes, head.frameBytes));
}

/** The number that the frame after this one must be above: a file's header has its successor's own. */
function previousOf(frame: Frame): number {
  return frame.kind === 0 ? frame.number - 1 : frame.number;
}

/**
 * Every frame of a file in order, and every run of bytes between them that is not one. A run is "cut" when it could be
 * an unfinished append at the end of the file, "damaged" otherwise. Memory: one frame.
 *
 * What follows a damaged run is found by its form and checksum. A content that holds the bytes of a frame can so be
 * taken for one when its own frame is damaged: a reader must not do anything on a frame's word that the author of a
 * content must not cause.
 */
export function* scanFrames(file: LogFile): Generator<Scanned> {
  const search = new FrameSearch(file);
  let previousNumber: number | undefined;
  let offsetBytes = 0;
  while (offsetBytes < file.sizeBytes) {
    const found = readFrameAt(file, offsetBytes);
    if (found.state === "frame") {
      yield { kind: "frame", frame: found.frame, offsetBytes, sizeBytes: found.sizeBytes };
      previousNumber = previousOf(found.frame);
      offsetBytes += found.sizeBytes;
    } else {
      const next = search.nextAfter(offsetBytes, previousNumber);
      const kind = found.state === "cut" && next === file.sizeBytes ? "cut" : "damaged";
      yield { kind, offsetBytes, sizeBytes: next - offsetBytes };
      offsetBytes = next;
    }
  }
}
