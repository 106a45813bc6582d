/**
 * The `soft` adapter: a simulated module in a folder, its image sealed under an authorisation value.
 *
 * It protects a stolen disk, not a terminal whose root account is taken: who can read both the folder and the
 * authorisation can read the keys.
 *
 * Source: docs/format.md §11.3.
 */
import { openBlob, sealBlob, CryptoError, type RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { SUITE, type TenantId, type TerminalId } from "@pericard/protocol";
import { Counters, type CounterStore } from "./counters.ts";
import { TrsmError } from "./errors.ts";
import { decodeTrsmImage, encodeTrsmImage, IDENTITY_SEED_BYTES } from "./image.ts";
import { createKeyedModule } from "./keyed-module.ts";
import type { SecureModule } from "./secure-module.ts";

const IMAGE_FILE = "trsm.sealed";
const COUNTER_FILE = "trsm.counters";
const CONTEXT = ["pericard/trsm-soft"] as const;

/** Least bytes of an authorisation value. It is random, not a passphrase: the factory draws 32 bytes. */
export const AUTHORISATION_BYTES_MIN = 16;

/** What the factory loads into an empty module. */
export interface TrsmLoad {
  readonly block: Uint8Array;
  readonly serial: TerminalId;
  readonly blockIndex: number;
  readonly rootPin: Uint8Array;
}

function counterStore(folder: Folder): CounterStore {
  return { load: () => folder.read(COUNTER_FILE), save: (bytes) => folder.replace(COUNTER_FILE, bytes) };
}

function requireAuthorisation(authorisation: Uint8Array): void {
  if (authorisation.length >= AUTHORISATION_BYTES_MIN) return;
  throw new TrsmError("ERR_TRSM_AUTHORISATION", `authorisation is shorter than ${AUTHORISATION_BYTES_MIN} bytes`);
}

/**
 * Loads an empty module: the module draws its own identity, then seals the image. Durable when it returns.
 *
 * @throws {TrsmError} ERR_TRSM_LOADED when the folder has a module, ERR_TRSM_AUTHORISATION when the value is too short.
 */
export function loadSoftTrsm(folder: Folder, authorisation: Uint8Array, load: TrsmLoad, random: RandomSource): void {
  requireAuthorisation(authorisation);
  if (folder.read(IMAGE_FILE)) throw new TrsmError("ERR_TRSM_LOADED", "module was loaded before");
  const image = encodeTrsmImage({ suite: SUITE.pericard1, identitySeed: random(IDENTITY_SEED_BYTES), ...load });
  Counters.create(counterStore(folder));
  folder.replace(IMAGE_FILE, sealBlob(authorisation, CONTEXT, image, random));
}

/**
 * Opens a loaded module for a terminal of `tenant`.
 *
 * @throws {TrsmError} ERR_TRSM_EMPTY without an image, ERR_TRSM_AUTHORISATION when the value is wrong or the file was
 * changed, ERR_TRSM_IMAGE_SIZE, ERR_TRSM_IMAGE_CHECKSUM, ERR_TRSM_IMAGE_FORMAT or ERR_TRSM_COUNTER.
 */
export function openSoftTrsm(
  folder: Folder,
  authorisation: Uint8Array,
  tenant: TenantId,
  random: RandomSource,
): SecureModule {
  requireAuthorisation(authorisation);
  const sealed = folder.read(IMAGE_FILE);
  if (!sealed) throw new TrsmError("ERR_TRSM_EMPTY", "module is not loaded");
  const image = decodeTrsmImage(openImage(authorisation, sealed));
  return createKeyedModule(image, tenant, Counters.load(counterStore(folder)), random);
}

function openImage(authorisation: Uint8Array, sealed: Uint8Array): Uint8Array {
  try {
    return openBlob(authorisation, CONTEXT, sealed);
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new TrsmError("ERR_TRSM_AUTHORISATION", "authorisation is wrong or the module's file was changed", { cause });
  }
}
