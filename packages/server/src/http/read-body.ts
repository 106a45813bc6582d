/** Reads the body of an upload: bounded while it comes, and in memory once. */
import { concatBytes, releaseBytes } from "@pericard/protocol";
import type { Readable } from "node:stream";
import { ServerError } from "../errors.ts";
import { noteYoungBytes } from "../threads/young-buffers.ts";

const NO_BYTES = new Uint8Array(0);

async function readParts(body: Readable, sizeBytesMax: number): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  // Not destroyed when it is too long: the client is to hear why.
  for await (const part of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    sizeBytes += part.length;
    if (sizeBytes > sizeBytesMax) throw tooLarge(sizeBytesMax);
    parts.push(part);
  }
  return parts;
}

function tooLarge(sizeBytesMax: number): ServerError {
  return new ServerError("ERR_BODY_TOO_LARGE", `body is longer than ${sizeBytesMax} bytes`);
}

/**
 * A body of at most `sizeBytesMax` bytes. `declaredBytes` is what its length header says, NaN without one.
 *
 * @throws {ServerError} ERR_BODY_TOO_LARGE, before anything is read when it is declared so; ERR_REQUEST_RANGE when the
 * client went away.
 */
export async function readBody(body: Readable, declaredBytes: number, sizeBytesMax: number): Promise<Uint8Array> {
  if (declaredBytes > sizeBytesMax) throw tooLarge(sizeBytesMax);
  try {
    const parts = await readParts(body, sizeBytesMax);
    noteYoungBytes(parts.reduce((sum, part) => sum + part.length, 0));
    if (parts.length < 2) return parts[0] ?? NO_BYTES;
    const bytes = concatBytes(...parts);
    for (const part of parts) releaseBytes(part);
    return bytes;
  } catch (cause) {
    if (cause instanceof ServerError) throw cause;
    throw new ServerError("ERR_REQUEST_RANGE", "body ended before its length", { cause });
  }
}
