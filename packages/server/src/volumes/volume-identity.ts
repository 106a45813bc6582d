/** The identity of a volume: a small file, or object, that names it wherever it is. Source: docs/format.md §10.5. */
import type { RandomSource } from "@pericard/crypto";
import { toHex, utf8 } from "@pericard/protocol";
import { ServerError } from "../errors.ts";

/** Name of the file or object. */
export const IDENTITY_FILE = "volume.json";

/** Draws the id of a new volume. */
export function drawVolumeId(random: RandomSource): string {
  return toHex(random(16));
}

/** What the file of a volume with that id holds. */
export function describeIdentity(id: string): Uint8Array {
  return utf8(`${JSON.stringify({ format: "pericard/volume", id })}\n`);
}

/** The id in the file. @throws {ServerError} ERR_VOLUME_IDENTITY. */
export function parseIdentity(bytes: Uint8Array): string {
  let cause: unknown;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as { id?: unknown } | null;
    if (typeof value?.id === "string" && /^[0-9a-f]{32}$/.test(value.id)) return value.id;
  } catch (error) {
    cause = error;
  }
  throw new ServerError("ERR_VOLUME_IDENTITY", `${IDENTITY_FILE} of a volume is malformed`, { cause });
}
