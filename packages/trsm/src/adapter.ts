/** Every adapter's behaviour over the cell where its image lies: what is loaded, opened, refused and recorded is the same. */
import { SUITE } from "@pericard/protocol";
import { Counters } from "./counters.ts";
import { TrsmError } from "./errors.ts";
import type { ImageCell } from "./image-cell.ts";
import { IDENTITY_SEED_BYTES } from "./image-pericard-1.ts";
import { decodeTrsmImage, encodeTrsmImage, type TrsmImage } from "./image.ts";
import { createKeyedModule } from "./keyed-module.ts";
import { recordingRefusals } from "./refusals.ts";
import type { Trsm, TrsmPorts } from "./trsm.ts";

/** Bounds of an authorisation value. It is random, not a passphrase: the factory draws 32 bytes. */
export const AUTHORISATION_BYTES = { min: 16, max: 64 } as const;

/** The module in a cell. */
export function createTrsm(cell: ImageCell, ports: TrsmPorts): Trsm {
  const guarded = <T>(work: () => T): T => recordingRefusals(ports.folder, ports.nowUnixMs, work);
  return {
    kind: cell.kind,
    load: (authorisation, load) =>
      guarded(() =>
        loadImage(cell, authorisation, () => {
          const identitySeed = ports.random(IDENTITY_SEED_BYTES);
          return { suite: SUITE.pericard1, identitySeed, ...load };
        }),
      ),
    requireEmpty: () => guarded(() => requireEmpty(cell)),
    open: (authorisation, tenant) =>
      guarded(() => {
        const { image, counters } = openImage(cell, authorisation);
        if (image.suite === SUITE.pericard1) return createKeyedModule(image, tenant, counters, ports.random);
        throw new TrsmError("ERR_TRSM_IMAGE_FORMAT", "image is of suite paper-2018, which has a module of its own");
      }),
    readOut: () =>
      guarded(() => {
        throw new TrsmError("ERR_TRSM_READ_OUT", "module gives no key: it seals, opens and signs");
      }),
  };
}

/** Loads an empty cell with what `makeImage` gives, and begins its counters. */
export function loadImage(cell: ImageCell, authorisation: Uint8Array, makeImage: () => TrsmImage): void {
  requireLength(authorisation);
  requireEmpty(cell);
  const image = encodeTrsmImage(makeImage());
  cell.prepare(authorisation);
  Counters.create(cell.counters(authorisation));
  cell.write(authorisation, image);
}

/** Opens a loaded cell. What it returns holds the keys. */
export function openImage(
  cell: ImageCell,
  authorisation: Uint8Array,
): { readonly image: TrsmImage; readonly counters: Counters } {
  requireLength(authorisation);
  if (!cell.isLoaded()) throw new TrsmError("ERR_TRSM_EMPTY", "module is not loaded");
  const image = decodeTrsmImage(cell.read(authorisation));
  return { image, counters: Counters.load(cell.counters(authorisation)) };
}

function requireEmpty(cell: ImageCell): void {
  if (cell.isLoaded()) throw new TrsmError("ERR_TRSM_LOADED", "module was loaded before");
}

function requireLength({ length }: Uint8Array): void {
  const { min, max } = AUTHORISATION_BYTES;
  if (length >= min && length <= max) return;
  throw new TrsmError("ERR_TRSM_AUTHORISATION", `authorisation has ${length} bytes, not ${min} to ${max}`);
}
