/**
 * Change of the key-encryption key, and of who holds it.
 *
 * 1. The next key's file is put beside the present one in every folder.
 * 2. One commit seals everything anew, in every copy of the key store.
 * 3. The next key's file takes the place of the present one.
 *
 * After an interruption the key store says which file counts; whoever opens it next finishes step 3, and a change that did
 * not come to step 2 is begun anew. Data is not touched.
 *
 * Source: docs/format.md §12.4.
 */
import type { RandomSource } from "@pericard/crypto";
import { openKek } from "./installation.ts";
import type { KekAccess } from "./kek.ts";
import { passphraseFile, settleKek, tokenFile, writeNextKek, type KekSecret } from "./kek-file.ts";
import { createTokenKey, type TokenDoor } from "./kek-token.ts";
import { KeyStore } from "./key-store.ts";
import { kekFoldersOf, type KeyStorePlace } from "./key-store-place.ts";

const KEK_BYTES = 32;

/** Who holds the next key. */
export type NextCustody =
  | { readonly kind: "passphrase"; readonly passphrase: Uint8Array }
  | { readonly kind: "token"; readonly door: TokenDoor };

export interface KekRotation {
  /** Nobody else has the store open. Of a shared one, the file that leads to the key is changed here alone. */
  readonly keyStore: KeyStorePlace;
  readonly secret: KekSecret;
  readonly next: NextCustody;
  readonly random: RandomSource;
}

/**
 * Changes the key-encryption key. An old key in a token stays there: backups need it until they have expired.
 *
 * @returns how many keys were sealed anew.
 * @throws {CustodyError} as openKek and {@link KeyStore.rewrap}.
 */
export function rotateKek({ keyStore, secret, next, random }: KekRotation): { readonly rewrapped: number } {
  const store = KeyStore.open(keyStore, openKek(keyStore, secret, random), random);
  try {
    const { access, file } = makeNext(next, random);
    writeNextKek(kekFoldersOf(keyStore), file);
    const rewrapped = store.rewrap(access);
    settleKek(kekFoldersOf(keyStore), file);
    return { rewrapped };
  } finally {
    store.close();
  }
}

function makeNext(next: NextCustody, random: RandomSource): { readonly access: KekAccess; readonly file: Uint8Array } {
  if (next.kind === "token") {
    const access = createTokenKey(next.door, random);
    return { access, file: tokenFile(access) };
  }
  const access = random(KEK_BYTES);
  return { access, file: passphraseFile(access, next.passphrase, random) };
}
