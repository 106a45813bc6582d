import { ProtocolError } from "./errors.ts";
import { readBytesUpTo } from "./fields.ts";
import { DES_BLOCK_BYTES } from "./paper-limits.ts";

/** Whole DES blocks, at least one: padding always adds some. @throws {ProtocolError} ERR_FIELD_RANGE otherwise. */
export function readDesBlocks(name: string, value: unknown, sizeBytesMax: number): Uint8Array {
  const bytes = readBytesUpTo(name, value, sizeBytesMax);
  if (bytes.length > 0 && bytes.length % DES_BLOCK_BYTES === 0) return bytes;
  throw new ProtocolError("ERR_FIELD_RANGE", `${name} is not whole blocks of ${DES_BLOCK_BYTES} bytes`);
}
