/**
 * The port of a secure module: what every adapter does, loaded or empty.
 *
 * No call gives a key. A second load, a read-out and a wrong authorisation are refused, and the refusal is recorded
 * beside the module.
 *
 * Source: paper A §II.A, F; docs/keys.md.
 */
import type { RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import type { TenantId } from "@pericard/protocol";
import type { PericardImage } from "./image-pericard-1.ts";
import type { SecureModule } from "./secure-module.ts";

/** What a module lies in: a sealed file that simulates one, or a TPM 2.0. */
export type TrsmKind = "soft" | "tpm";

/** What a module needs from outside. */
export interface TrsmPorts {
  /** The terminal's folder: counters and the record of refusals lie there, and the sealed image of a soft module. */
  readonly folder: Folder;
  readonly random: RandomSource;
  /** Milliseconds since 1970, for the record of refusals: a claim of the machine's clock. */
  readonly nowUnixMs: () => number;
}

/** What the factory loads into an empty module of suite pericard-1. The module draws its own identity. */
export type TrsmLoad = Omit<PericardImage, "suite" | "identitySeed">;

/** A secure module. */
export interface Trsm {
  readonly kind: TrsmKind;
  /**
   * Loads an empty module, once for life. Durable when it returns; one that was interrupted may be begun again.
   *
   * @param authorisation 16 to 64 random bytes that open the module from then on.
   * @throws {TrsmError} ERR_TRSM_LOADED when it was loaded before, ERR_TRSM_AUTHORISATION when the value has another
   * length, both recorded; ERR_TRSM_TPM, ERR_TRSM_DISK_FULL, ERR_TRSM_DISK.
   */
  load(authorisation: Uint8Array, load: TrsmLoad): void;
  /** What {@link load} checks first, for a caller that has work before it. @throws {TrsmError} ERR_TRSM_LOADED, recorded. */
  requireEmpty(): void;
  /**
   * Opens a loaded module for a terminal of `tenant`. Its answer to a challenge proves the whole block.
   *
   * @throws {TrsmError} ERR_TRSM_AUTHORISATION when the value is wrong or the module was changed, ERR_TRSM_ROLLBACK when
   * the counters beside it are not those of the module's last use, both recorded; ERR_TRSM_EMPTY, ERR_TRSM_IMAGE_SIZE,
   * ERR_TRSM_IMAGE_CHECKSUM, ERR_TRSM_IMAGE_FORMAT, ERR_TRSM_COUNTER, ERR_TRSM_TPM, ERR_TRSM_DISK.
   */
  open(authorisation: Uint8Array, tenant: TenantId): SecureModule;
  /**
   * The command by which paper A's microcontroller reads the keys out (§II.G). No adapter carries it out.
   *
   * @throws {TrsmError} ERR_TRSM_READ_OUT always, recorded.
   */
  readOut(): never;
}
