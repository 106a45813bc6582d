/**
 * The `soft` adapter: a simulated module in a folder, its image sealed under an authorisation value.
 *
 * It protects a copied disk without the authorisation, not a terminal whose root account is taken: who can read both the
 * folder and the authorisation can read the keys.
 *
 * Source: docs/format.md §11.3.
 */
import { openBlob, sealBlob, CryptoError, type RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { createTrsm } from "./adapter.ts";
import { onDisk, TrsmError } from "./errors.ts";
import type { ImageCell } from "./image-cell.ts";
import type { Trsm, TrsmPorts } from "./trsm.ts";

const IMAGE_FILE = "trsm.sealed";
const COUNTER_FILE = "trsm.counters";
const CONTEXT = ["pericard/trsm-soft"] as const;

/** The simulated module of a folder. */
export function createSoftTrsm(ports: TrsmPorts): Trsm {
  return createTrsm(softCell(ports.folder, ports.random), ports);
}

/** The cell of a simulated module. */
export function softCell(folder: Folder, random: RandomSource): ImageCell {
  return {
    kind: "soft",
    isLoaded: () => onDisk(() => folder.read(IMAGE_FILE)) !== undefined,
    prepare: () => undefined,
    write: (authorisation, image) =>
      onDisk(() => folder.replace(IMAGE_FILE, sealBlob(authorisation, CONTEXT, image, random))),
    read: (authorisation) =>
      openSealed(
        authorisation,
        onDisk(() => folder.read(IMAGE_FILE)),
      ),
    counters: () => ({
      load: () => onDisk(() => folder.read(COUNTER_FILE)),
      save: (bytes) => onDisk(() => folder.replace(COUNTER_FILE, bytes)),
    }),
  };
}

function openSealed(authorisation: Uint8Array, sealed: Uint8Array | undefined): Uint8Array {
  try {
    return openBlob(authorisation, CONTEXT, sealed ?? new Uint8Array(0));
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new TrsmError("ERR_TRSM_AUTHORISATION", "authorisation is wrong or the module's file was changed", { cause });
  }
}
