/** What cannot be left out of drawing a key sequence: random bytes, one AES-256-GCM, one file, one sync. */
import { releaseBytes } from "@pericard/protocol";
import { createCipheriv, randomBytes, randomFillSync } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** 240 KiB, as the factory's chunks. */
const PART_BYTES = 245_760;

/** Writes so many random bytes, encrypted, durably into a new file. */
export function writeFactoryFloor(path: string, sizeBytes: number): void {
  const descriptor = openSync(path, "wx", 0o600);
  try {
    const cipher = createCipheriv("aes-256-gcm", randomBytes(32), randomBytes(12));
    const plain = new Uint8Array(PART_BYTES);
    for (let written = 0; written < sizeBytes; written += PART_BYTES) {
      const part = plain.subarray(0, Math.min(PART_BYTES, sizeBytes - written));
      randomFillSync(part);
      const sealed = cipher.update(part);
      writeAll(descriptor, sealed);
      // Given back at once, as the factory does: a floor that waits for the collector would be none.
      releaseBytes(sealed);
    }
    cipher.final();
    writeAll(descriptor, cipher.getAuthTag());
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(descriptor, bytes, offset);
}
