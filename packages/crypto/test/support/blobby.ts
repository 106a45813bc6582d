/**
 * Files of byte strings as RustCrypto's tests have them. Tests only.
 *
 * A count and as many strings that occur often; then to the end, numbers: an odd one names one of those, an even one is
 * the length, doubled, of a string that follows. Source: the crate blobby 0.3, its documentation.
 */

/** The strings in order. @throws {RangeError} when the file ends within one or names one that is not there. */
export function readBlobs(file: Uint8Array): readonly Uint8Array[] {
  const cursor = { file, at: 0 };
  const often: Uint8Array[] = [];
  for (let left = readNumber(cursor); left > 0; left -= 1) often.push(readBytes(cursor, readNumber(cursor)));
  const blobs: Uint8Array[] = [];
  while (cursor.at < file.length) {
    const number = readNumber(cursor);
    const blob = number % 2 === 1 ? often[number >> 1] : readBytes(cursor, number >> 1);
    if (blob === undefined) throw new RangeError(`blobby: string ${number >> 1} of ${often.length}`);
    blobs.push(blob);
  }
  return blobs;
}

interface Cursor {
  readonly file: Uint8Array;
  at: number;
}

/** Seven bits a byte, the highest first; a byte that another follows has its top bit set and counts one more. */
function readNumber(cursor: Cursor): number {
  for (let number = 0; ; number = (number + 1) * 128) {
    const byte = readBytes(cursor, 1)[0] ?? 0;
    number += byte & 0x7f;
    if (byte < 0x80) return number;
  }
}

function readBytes(cursor: Cursor, sizeBytes: number): Uint8Array {
  const end = cursor.at + sizeBytes;
  if (end > cursor.file.length) throw new RangeError(`blobby: ends at ${cursor.file.length}, expected ${end}`);
  const bytes = cursor.file.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}
