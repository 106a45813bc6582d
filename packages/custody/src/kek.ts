/** The key-encryption key as the key store uses it, wherever it is held. */
import { openBlob, sealBlob, type BlobContext, type RandomSource } from "@pericard/crypto";
import { openTokenKek, type TokenKey } from "./kek-token.ts";

/** Seals small values under the key-encryption key. Where such values are kept is listed in rewrap.ts. */
export interface Kek {
  /** Seals 1 byte or more for one context. @throws {CustodyError} ERR_KEK_TOKEN when the token does not work. */
  seal(context: BlobContext, plain: Uint8Array): Uint8Array;
  /**
   * Opens what was sealed for the same context.
   *
   * @throws {CryptoError} ERR_SEAL_BROKEN for another key, context or byte; {CustodyError} ERR_KEK_TOKEN.
   */
  open(context: BlobContext, sealed: Uint8Array): Uint8Array;
  /** Gives the token's session back. */
  close(): void;
}

/** What a key store is opened with; it may be handed to a thread. The 32 bytes of the key itself, or where a token has it. */
export type KekAccess = Uint8Array | TokenKey;

/** The key-encryption key behind what gives access to it. @throws {CustodyError} as {@link openTokenKek}. */
export function openKekAccess(access: KekAccess, random: RandomSource): Kek {
  return access instanceof Uint8Array ? memoryKek(access, random) : openTokenKek(access, random);
}

/** Source: docs/format.md §4.4. */
function memoryKek(key: Uint8Array, random: RandomSource): Kek {
  return {
    seal: (context, plain) => sealBlob(key, context, plain, random),
    open: (context, sealed) => openBlob(key, context, sealed),
    close: () => undefined,
  };
}
