/**
 * The one way in which Pericard seals a COSE_Encrypt: a random content key, bound by a commitment in the header and wrapped
 * by HPKE for one recipient.
 *
 * Source: docs/format.md §6; draft-ietf-cose-hpke-25 §3.3.
 */
import { encodeCbor, encodeEncrypt, encStructure, recipientStructure, type CoseEncrypt } from "@pericard/protocol";
import { aeadOpen, aeadSeal } from "./aead.ts";
import { CryptoError } from "./errors.ts";
import { equalSecrets, hkdfExpand } from "./hash.ts";
import { hpkeOpen, hpkeSeal, type HpkeKeyPair, type Psk } from "./hpke.ts";
import { x25519Private, type KeyObject } from "./keys.ts";
import type { RandomSource } from "./random.ts";

const EMPTY = new Uint8Array(0);

/** What a structure of this kind is: its type, and the id that its commitment covers. */
export interface EncryptKind {
  /** external_aad of the content. */
  readonly type: string;
  /** Bytes of the id. */
  readonly id: Uint8Array;
  /** HPKE's PSK mode with it, base mode without. */
  readonly psk: Psk | undefined;
}

/** What is sealed, and to whom. */
export interface EncryptDraft extends EncryptKind {
  readonly recipientPublic: KeyObject;
  readonly recipientProtectedBytes: Uint8Array;
  /** The protected header, which holds the commitment. */
  readonly protectedBytes: (commitment: Uint8Array) => Uint8Array;
  readonly content: Uint8Array;
}

/** The 32 bytes that bind a ciphertext to one content key. */
function commitmentOf(contentKey: Uint8Array, id: Uint8Array): Uint8Array {
  return hkdfExpand(contentKey, encodeCbor(["commit", id]), 32);
}

function contextOf(psk: Psk | undefined, recipientProtectedBytes: Uint8Array, protectedBytes: Uint8Array) {
  const info = recipientStructure(recipientProtectedBytes, protectedBytes);
  return psk === undefined ? { info, aad: EMPTY } : { info, aad: EMPTY, psk };
}

/** Bytes of the tagged COSE_Encrypt. @throws {CryptoError} ERR_SHARED_SECRET when the recipient's key is of low order. */
export function sealEncrypt(draft: EncryptDraft, random: RandomSource): Uint8Array {
  const { recipientPublic, recipientProtectedBytes, content, psk } = draft;
  const contentKey = random(32);
  const protectedBytes = draft.protectedBytes(commitmentOf(contentKey, draft.id));
  const context = contextOf(psk, recipientProtectedBytes, protectedBytes);
  const wrapped = hpkeSeal(recipientPublic, x25519Private(random(32)), context, contentKey);
  const aad = encStructure("Encrypt", protectedBytes, draft.type);
  return encodeEncrypt({
    protectedBytes,
    ciphertext: aeadSeal("aes-256-gcm", contentKey, aad, content),
    recipientProtectedBytes,
    encapsulatedKey: wrapped.encapsulatedKey,
    wrappedKey: wrapped.ciphertext,
  });
}

/**
 * The content of a COSE_Encrypt whose signature was verified.
 *
 * @throws {CryptoError} ERR_SHARED_SECRET, ERR_SEAL_BROKEN or ERR_KEY_COMMITMENT.
 */
export function openEncrypt(
  recipient: HpkeKeyPair,
  { type, id, psk }: EncryptKind,
  message: CoseEncrypt,
  commitment: Uint8Array,
): Uint8Array {
  const { protectedBytes, recipientProtectedBytes, encapsulatedKey, wrappedKey, ciphertext } = message;
  const context = contextOf(psk, recipientProtectedBytes, protectedBytes);
  const contentKey = hpkeOpen(recipient, { encapsulatedKey, ciphertext: wrappedKey }, context);
  if (!equalSecrets(commitmentOf(contentKey, id), commitment)) {
    throw new CryptoError("ERR_KEY_COMMITMENT", "message was sealed under another key");
  }
  return aeadOpen("aes-256-gcm", contentKey, encStructure("Encrypt", protectedBytes, type), ciphertext);
}
