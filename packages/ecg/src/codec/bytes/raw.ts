/** Bytes as they are, for who compresses later or not at all. Source: docs/codec-bytes.md §2. */
import { EcgError } from "../../errors.ts";
import type { ByteCodec } from "./byte-codecs.ts";

export const RAW: ByteCodec = {
  encode: (bytes) => bytes,
  decode: (bytes, limitBytes) => {
    if (bytes.length <= limitBytes) return bytes;
    throw new EcgError("ERR_CODEC_LIMIT", `raw stream is of ${bytes.length} bytes, allowed are ${limitBytes}`);
  },
};
