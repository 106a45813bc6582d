/** Bytes and files that the tests of this package are made of. */
import { concatBytes } from "@pericard/protocol";
import { createMemoryFolder, encodeFrame, type Frame, type LogFile } from "@pericard/framelog";

/** One frame as it stands in a file. */
export function frameBytes(frame: Frame): Uint8Array {
  return concatBytes(...encodeFrame(frame));
}

/** Bytes that differ from place to place, the same for the same seed. */
export function pattern(sizeBytes: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 0xff);
}

/** A file in memory with these contents. */
export function fileOf(bytes: Uint8Array): LogFile {
  return createMemoryFolder(new Map([["file", bytes]])).open("file");
}

/** A file that counts what is read of it. */
export function countingFile(file: LogFile): LogFile & { readonly readBytes: number } {
  let readBytes = 0;
  return {
    get sizeBytes() {
      return file.sizeBytes;
    },
    get readBytes() {
      return readBytes;
    },
    append: (parts) => file.append(parts),
    sync: () => file.sync(),
    close: () => file.close(),
    read: (offsetBytes, sizeBytes) => {
      const bytes = file.read(offsetBytes, sizeBytes);
      readBytes += bytes.length;
      return bytes;
    },
  };
}

/** The same bytes with the last one changed: a frame's checksum is then wrong. */
export function damaged(bytes: Uint8Array): Uint8Array {
  return bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 0xff);
}
