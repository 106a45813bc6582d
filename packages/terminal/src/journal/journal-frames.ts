/**
 * Contents of the journal's frames.
 *
 *     1 item        [sealed segment, nextFrame / null, sourceId / null]
 *     2 mark        [h, …]: receipted, or superseded by a segment that was sealed anew
 *     3 quarantine  [h, code]
 *     4 gap         the signed bytes of a gap statement
 *
 * Source: docs/format.md §10.3.
 */
import {
  CBOR_ITEMS_MAX,
  decodeCbor,
  encodeCbor,
  readArray,
  readBytes,
  readBytesUpTo,
  readInt,
  readOptional,
  readText,
  readTuple,
  SEALED_SEGMENT_BYTES_MAX,
} from "@pericard/protocol";
import { hashKeyOf, hashOf, type HashKey } from "../hash-key.ts";

/** Kinds of frames. */
export const FRAME_KIND = { item: 1, mark: 2, quarantine: 3, gap: 4 } as const;

/** Hashes that one mark holds. */
export const MARK_HASHES_MAX = CBOR_ITEMS_MAX / 2;

/** A journalled segment and where its source goes on after it. */
export interface JournalItem {
  readonly sealed: Uint8Array;
  /** Frames of the source before the next segment; null for a segment that was sealed anew after a conflict. */
  readonly nextFrame: number | null;
  /** 32 bytes that name a file source; null for a live one. */
  readonly sourceId: Uint8Array | null;
}

/** The content of an item's frame. */
export function encodeItem(item: JournalItem): Uint8Array {
  return encodeCbor([item.sealed, item.nextFrame, item.sourceId]);
}

/** @throws {ProtocolError} when the content is no item. The sealed segment is not parsed. */
export function decodeItem(content: Uint8Array): JournalItem {
  const [sealed, nextFrame, sourceId] = readTuple("journal item", decodeCbor(content), 3);
  return {
    sealed: readBytesUpTo("sealed segment", sealed, SEALED_SEGMENT_BYTES_MAX),
    nextFrame: readOptional(nextFrame, (value) => readInt("next frame", value, 0, Number.MAX_SAFE_INTEGER)),
    sourceId: readOptional(sourceId, (value) => readBytes("source id", value, 32)),
  };
}

/** The content of a mark of at most {@link MARK_HASHES_MAX} hashes. */
export function encodeMark(keys: readonly HashKey[]): Uint8Array {
  return encodeCbor(keys.map(hashOf));
}

/** @throws {ProtocolError} when the content is no mark. */
export function decodeMark(content: Uint8Array): readonly HashKey[] {
  return readArray("mark", decodeCbor(content), 1, MARK_HASHES_MAX).map((value) =>
    hashKeyOf(readBytes("h", value, 32)),
  );
}

/** The content of a quarantine mark. */
export function encodeQuarantine(key: HashKey, code: string): Uint8Array {
  return encodeCbor([hashOf(key), code]);
}

/** @throws {ProtocolError} when the content is no quarantine mark. */
export function decodeQuarantine(content: Uint8Array): { readonly key: HashKey; readonly code: string } {
  const [hash, code] = readTuple("quarantine mark", decodeCbor(content), 2);
  return { key: hashKeyOf(readBytes("h", hash, 32)), code: readText("code", code, 64) };
}
