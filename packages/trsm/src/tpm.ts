/**
 * The `tpm` adapter: the image in a 1,024-byte NV index of a TPM 2.0, written by the TPM's owner, locked after that, and
 * read under an authorisation value. A monotonic NV counter beside it makes an older copy of the counters' file show.
 *
 * Whoever reads the authorisation value on the terminal's disk, as root can, reads the image as this adapter does; and what
 * goes between processor and a discrete TPM goes in clear.
 *
 * Source: docs/format.md §11.6.
 */
import { equalSecrets, hkdf, type RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { encodeCbor } from "@pericard/protocol";
import { createTrsm } from "./adapter.ts";
import { TrsmError } from "./errors.ts";
import type { ImageCell } from "./image-cell.ts";
import { TRSM_IMAGE_BYTES } from "./image.ts";
import type { TpmMemory } from "./nv-index.ts";
import { tpmCounterStore } from "./tpm-counters.ts";
import type { Trsm, TrsmPorts } from "./trsm.ts";

/** A TPM's memory, and the index of the image there; the counter has the index after it. */
export interface TpmPlace {
  readonly memory: TpmMemory;
  readonly index: number;
}

/** The module in a TPM. */
export function createTpmTrsm(ports: TrsmPorts, place: TpmPlace): Trsm {
  return createTrsm(tpmCell(ports.folder, ports.random, place), ports);
}

/** What the TPM compares: 32 bytes, since it takes no value longer than its hash. */
function tpmAuthorisation(authorisation: Uint8Array): Uint8Array {
  return hkdf(new Uint8Array(0), authorisation, encodeCbor(["pericard/trsm-tpm"]), 32);
}

/** The cell of a module in a TPM. */
export function tpmCell(folder: Folder, random: RandomSource, { memory, index }: TpmPlace): ImageCell {
  const counterIndex = index + 1;
  const read = (authorisation: Uint8Array): Uint8Array =>
    memory.read(index, TRSM_IMAGE_BYTES, tpmAuthorisation(authorisation));
  return {
    kind: "tpm",
    isLoaded: () => {
      const found = memory.find(index);
      return found?.purpose === "image" && found.writeLocked;
    },
    prepare: (authorisation) => {
      for (const [at, purpose] of [
        [counterIndex, "counter"],
        [index, "image"],
      ] as const) {
        clear(memory, at, purpose);
        memory.define(at, purpose, tpmAuthorisation(authorisation));
      }
      // A counter has no value before its first increment, and begins above every counter that this TPM ever had.
      memory.increment(counterIndex, tpmAuthorisation(authorisation));
    },
    write: (authorisation, image) => {
      memory.write(index, image);
      if (!equalSecrets(read(authorisation), image))
        throw new TrsmError("ERR_TRSM_TPM", "TPM gives back another image");
      memory.lock(index);
    },
    read,
    counters: (authorisation) =>
      tpmCounterStore({
        folder,
        random,
        authorisation,
        count: {
          read: () => countOf(memory.read(counterIndex, 8, tpmAuthorisation(authorisation))),
          increment: () => memory.increment(counterIndex, tpmAuthorisation(authorisation)),
        },
      }),
  };
}

/** Removes what an interrupted load left at an index, and nothing that is not of its shape. */
function clear(memory: TpmMemory, index: number, purpose: "image" | "counter"): void {
  const found = memory.find(index);
  if (!found) return;
  if (found.purpose !== purpose || found.writeLocked) {
    throw new TrsmError("ERR_TRSM_TPM", `NV index 0x${index.toString(16)} holds something else: choose another`);
  }
  memory.undefine(index);
}

function countOf(bytes: Uint8Array): number {
  const count = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
  if (Number.isSafeInteger(count)) return count;
  throw new TrsmError("ERR_TRSM_TPM", "NV counter is past 2^53");
}
