/** One volume file: appends a group with one write, and syncs it. */
import { closeSync, constants, fdatasyncSync, openSync, writevSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { crc32 } from "node:zlib";

const HEAD_BYTES = 8;
const FILE_BYTES_MAX = 64 * 1024 * 1024;

const { path, shared } = workerData as { readonly path: string; readonly shared: SharedArrayBuffer };
let fileNumber = 0;
let sizeBytes = 0;
let descriptor = begin();

function begin(): number {
  return openSync(`${path}-${fileNumber}`, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
}

function frame(content: Uint8Array): readonly Uint8Array[] {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(content.length, 0);
  head.writeUInt32BE(crc32(content), 4);
  return [head, content];
}

/** The contents of a group, which lie in the shared memory one after the other. */
function contentsOf(contentSizes: readonly number[]): readonly Uint8Array[] {
  let end = 0;
  return contentSizes.map((contentBytes) => {
    end += contentBytes;
    return new Uint8Array(shared, end - contentBytes, contentBytes);
  });
}

parentPort?.on("message", (contentSizes: readonly number[]) => {
  const contents = contentsOf(contentSizes);
  const places = contents.map((content) => {
    const offsetBytes = sizeBytes;
    sizeBytes += HEAD_BYTES + content.length;
    return offsetBytes;
  });
  writevSync(descriptor, contents.flatMap(frame) as Uint8Array[]);
  fdatasyncSync(descriptor);
  parentPort?.postMessage(places);
  if (sizeBytes < FILE_BYTES_MAX) return;
  closeSync(descriptor);
  fileNumber += 1;
  sizeBytes = 0;
  descriptor = begin();
});
