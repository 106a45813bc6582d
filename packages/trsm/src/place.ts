/**
 * Which module a terminal's folder has: `trsm.json` names the TPM, and without it the module is the simulated one.
 *
 * Source: docs/format.md §11.6.
 */
import type { Folder } from "@pericard/framelog";
import { readInt } from "@pericard/protocol";
import { onDisk, TrsmError } from "./errors.ts";
import { isTcti } from "./tpm-tools.ts";

const PLACE_FILE = "trsm.json";
const FORMAT = "pericard/trsm";
const FILE_BYTES_MAX = 4096;

/** NV indices of the TPM's owner. Source: TCG Registry of Reserved TPM 2.0 Handles and Localities §2.2. */
export const TPM_INDEX = { min: 0x0180_0000, max: 0x01bf_fffe, standard: 0x0181_0000 } as const;

/** Where a module is: in the folder, or at an NV index of a TPM that `tcti` leads to. */
export type TrsmPlace =
  | { readonly kind: "soft" }
  | {
      readonly kind: "tpm";
      /** As tpm2-tools take it: device, tabrmd, swtpm or mssim. */
      readonly tcti: string;
      /** Even, 0x01800000 to 0x01bffffe; the NV counter has the index after it. */
      readonly index: number;
    };

/** Whether a place may be one: what it names need not be there. */
export function isTrsmPlace(place: TrsmPlace): boolean {
  return place.kind === "soft" || (isTcti(place.tcti) && isIndex(place.index));
}

/** Writes which module the folder has, durably. @throws {RangeError} for a place that is none. */
export function writePlace(folder: Folder, place: TrsmPlace): void {
  if (place.kind === "soft") {
    onDisk(() => removeIfThere(folder));
    return;
  }
  if (!isTrsmPlace(place)) throw new RangeError("place of a module in a TPM is out of range");
  const { tcti, index } = place;
  const text = JSON.stringify({ format: FORMAT, version: 1, adapter: "tpm", tcti, index });
  onDisk(() => folder.replace(PLACE_FILE, new TextEncoder().encode(`${text}\n`)));
}

function removeIfThere(folder: Folder): void {
  if (!folder.read(PLACE_FILE)) return;
  folder.remove(PLACE_FILE);
  folder.sync();
}

/** @throws {TrsmError} ERR_TRSM_PROVISION when the file is malformed. */
export function readPlace(folder: Folder): TrsmPlace {
  const bytes = onDisk(() => folder.read(PLACE_FILE));
  if (!bytes) return { kind: "soft" };
  try {
    return parsePlace(bytes);
  } catch (cause) {
    throw new TrsmError("ERR_TRSM_PROVISION", `${PLACE_FILE} does not name a terminal's module`, { cause });
  }
}

function parsePlace(bytes: Uint8Array): TrsmPlace {
  if (bytes.length > FILE_BYTES_MAX) throw new TypeError("file is too long");
  const { format, version, adapter, tcti, index } = JSON.parse(new TextDecoder().decode(bytes)) as Record<
    string,
    unknown
  >;
  if (format !== FORMAT || version !== 1 || adapter !== "tpm") throw new TypeError("place has another format");
  if (typeof tcti !== "string" || !isTcti(tcti)) throw new TypeError("place has no way to a TPM");
  const at = readInt("index", index, TPM_INDEX.min, TPM_INDEX.max);
  if (!isIndex(at)) throw new TypeError("index is odd");
  return { kind: "tpm", tcti, index: at };
}

function isIndex(index: number): boolean {
  return Number.isInteger(index) && index >= TPM_INDEX.min && index <= TPM_INDEX.max && index % 2 === 0;
}
