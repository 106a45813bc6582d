/** Pack objects: what one append makes of a bucket, whole and never changed. Source: docs/format.md §10.1, §10.5. */
import { encodeFrame, scanFrames, sizeOfParts, type FramePosition } from "@pericard/framelog";
import { concatBytes, encodeCbor, equalBytes } from "@pericard/protocol";
import { ServerError } from "../errors.ts";
import type { StoredItem, StoredKind } from "./volume.ts";

/** Bytes that a group may have before it is split over several objects; a single item may be larger. */
const OBJECT_BYTES = 16 * 1024 * 1024;
/** Largest object that can be a pack. */
export const OBJECT_BYTES_MAX = 64 * 1024 * 1024;

const PREFIX = "pack-";
const HEADER = encodeCbor(["pericard/pack", 1]);

/** What names of packs begin with. */
export const PACK_PREFIX = PREFIX;

/** Name of the pack with a number. */
export function packName(fileNumber: number): string {
  return `${PREFIX}${String(fileNumber).padStart(16, "0")}.cbor`;
}

/** The number in a pack's name, or undefined when it is none. */
export function packNumber(name: string): number | undefined {
  const digits = /^pack-(\d{16})\.cbor$/.exec(name)?.[1];
  const number = Number(digits);
  return digits !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** A group as an object's bytes, with the place of each item. */
export interface PackObject {
  readonly bytes: Uint8Array;
  readonly places: readonly Omit<FramePosition, "fileNumber">[];
}

/** Splits items into groups that each make an object. */
export function splitForObjects(items: readonly StoredItem[]): readonly (readonly StoredItem[])[] {
  const groups: StoredItem[][] = [];
  let sizeBytes = Infinity;
  for (const item of items) {
    if (sizeBytes + item.bytes.length > OBJECT_BYTES) {
      groups.push([]);
      sizeBytes = 0;
    }
    groups.at(-1)?.push(item);
    sizeBytes += item.bytes.length;
  }
  return groups;
}

/** Encodes a group: the header of a file, then a frame for each item, numbered from 0. */
export function encodePackObject(items: readonly StoredItem[]): PackObject {
  const parts = [...encodeFrame({ kind: 0, number: 0, content: HEADER })];
  let offsetBytes = sizeOfParts(parts);
  const places = items.map(({ kind, bytes }, number) => {
    const frame = encodeFrame({ kind, number, content: bytes });
    const place = { offsetBytes, sizeBytes: sizeOfParts(frame) };
    parts.push(...frame);
    offsetBytes += place.sizeBytes;
    return place;
  });
  return { bytes: concatBytes(...parts), places };
}

/** Every whole frame of an object but its header. @throws {ServerError} ERR_DATA_UNREADABLE when it is another format's. */
export function* scanPackObject(
  bytes: Uint8Array,
): Generator<{ readonly kind: StoredKind; readonly bytes: Uint8Array } & Omit<FramePosition, "fileNumber">> {
  for (const scanned of scanFrames(fileOf(bytes))) {
    if (scanned.kind !== "frame") continue;
    const { frame, offsetBytes, sizeBytes } = scanned;
    if (frame.kind !== 0) yield { kind: frame.kind as StoredKind, bytes: frame.content, offsetBytes, sizeBytes };
    else if (offsetBytes === 0 && !equalBytes(frame.content, HEADER)) {
      throw new ServerError("ERR_DATA_UNREADABLE", "pack is of another format");
    }
  }
}

function readOnly(): never {
  throw new TypeError("pack object is never written to");
}

function fileOf(bytes: Uint8Array) {
  return {
    sizeBytes: bytes.length,
    read: (offsetBytes: number, sizeBytes: number) => bytes.subarray(offsetBytes, offsetBytes + sizeBytes),
    append: readOnly,
    sync: readOnly,
    close: () => undefined,
  };
}
