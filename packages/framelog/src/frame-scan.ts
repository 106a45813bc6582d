/** Reading a whole file of frames, past whatever is damaged in it. Source: docs/format.md §10.2. */
import { decodeFrame, FRAME_HEAD_BYTES_MAX, FRAME_START, frameSizeFromHead, type Frame } from "./frame.ts";
import type { LogFile } from "./folder.ts";

/** A frame with its place in the file, or a run of bytes that are none. */
export type Scanned =
  | { readonly kind: "frame"; readonly frame: Frame; readonly offsetBytes: number; readonly sizeBytes: number }
  | { readonly kind: "cut" | "damaged"; readonly offsetBytes: number; readonly sizeBytes: number };

const SEARCH_WINDOW_BYTES = 1024 * 1024;

/** The frame at a place, read with as many bytes as its head asks for. */
export function readFrameAt(file: LogFile, offsetBytes: number): ReturnType<typeof decodeFrame> {
  const head = file.read(offsetBytes, FRAME_HEAD_BYTES_MAX);
  const sizeBytes = frameSizeFromHead(head);
  return decodeFrame(sizeBytes === undefined ? head : file.read(offsetBytes, sizeBytes));
}

/** The next place after `offsetBytes` where a whole frame stands, or the end of the file. */
function findNextFrame(file: LogFile, offsetBytes: number): number {
  for (let from = offsetBytes + 1; from < file.sizeBytes; from += SEARCH_WINDOW_BYTES) {
    const window = Buffer.from(file.read(from, SEARCH_WINDOW_BYTES + FRAME_START.length));
    for (let at = window.indexOf(FRAME_START); at >= 0; at = window.indexOf(FRAME_START, at + 1)) {
      if (readFrameAt(file, from + at).state === "frame") return from + at;
    }
  }
  return file.sizeBytes;
}

/**
 * Every frame of a file in order, and every run of bytes between them that is not one. A run is "cut" when it is an
 * unfinished append at the end of the file, "damaged" otherwise. Memory: one frame.
 */
export function* scanFrames(file: LogFile): Generator<Scanned> {
  let offsetBytes = 0;
  while (offsetBytes < file.sizeBytes) {
    const found = readFrameAt(file, offsetBytes);
    if (found.state === "frame") {
      yield { kind: "frame", frame: found.frame, offsetBytes, sizeBytes: found.sizeBytes };
      offsetBytes += found.sizeBytes;
    } else {
      const next = findNextFrame(file, offsetBytes);
      const kind = found.state === "cut" && next === file.sizeBytes ? "cut" : "damaged";
      yield { kind, offsetBytes, sizeBytes: next - offsetBytes };
      offsetBytes = next;
    }
  }
}
