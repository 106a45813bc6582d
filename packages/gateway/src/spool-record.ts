/**
 * What the frames of a spool hold.
 *
 *     item = [ order: uint / null, received-at: uint, client: tstr, message: bstr ]
 *     done = [ order: uint, fingerprint: bstr .size 16, file: uint ]
 *
 * An item's order is the number of the frame that it first came in; a copy made later names it. A done mark repeats the
 * item's fingerprint, so that bytes inside a hostile message, which a scan may take for a frame when the message's own
 * frame was cut, cannot mark anyone else's item. It names the file of the item's frame: the mark is needed as long as
 * that file is there.
 *
 * Source: docs/format.md §10.4.
 */
import {
  decodeCbor,
  encodeCbor,
  ENVELOPE_BYTES_MAX,
  fromHex,
  readBytes,
  readBytesUpTo,
  readOptional,
  readText,
  readTuple,
  readUnixMs,
  toHex,
} from "@pericard/protocol";

/** Kinds of frames. */
export const RECORD = { item: 1, done: 2 } as const;

/** Bytes that a record adds to its message, at most: array, two numbers, a name of 64, a length. */
export const ITEM_OVERHEAD_BYTES_MAX = 1 + 9 + 9 + 66 + 5;

/** A message that waits. */
export interface ItemRecord {
  /** null in the frame whose own number it is. */
  readonly order: number | null;
  readonly receivedAtUnixMs: number;
  readonly client: string;
  readonly message: Uint8Array;
}

/** An item that waits no more. */
export interface DoneRecord {
  readonly order: number;
  readonly fingerprint: string;
  /** File in which the item's frame was when it was done. */
  readonly fileNumber: number;
}

/** The content of an item's frame. */
export function encodeItem(record: ItemRecord): Uint8Array {
  return encodeCbor([record.order, record.receivedAtUnixMs, record.client, record.message]);
}

/** @throws {ProtocolError} when the content is no item. The message is not looked at. */
export function decodeItem(content: Uint8Array): ItemRecord {
  const fields = readTuple("item", decodeCbor(content), 4);
  return {
    order: readOptional(fields[0], (value) => readUnixMs("order", value)),
    receivedAtUnixMs: readUnixMs("received at", fields[1]),
    client: readText("client", fields[2], 64),
    message: readBytesUpTo("message", fields[3], ENVELOPE_BYTES_MAX),
  };
}

/** The content of a done mark's frame. */
export function encodeDone(record: DoneRecord): Uint8Array {
  return encodeCbor([record.order, fromHex(record.fingerprint), record.fileNumber]);
}

/** @throws {ProtocolError} when the content is no done mark. */
export function decodeDone(content: Uint8Array): DoneRecord {
  const fields = readTuple("done", decodeCbor(content), 3);
  return {
    order: readUnixMs("order", fields[0]),
    fingerprint: toHex(readBytes("fingerprint", fields[1], 16)),
    fileNumber: readUnixMs("file", fields[2]),
  };
}
