/**
 * Sealing and opening of transfers from a factory to a server.
 *
 * Base mode of HPKE: the server and the factory share nothing yet, so the signature around it says from whom it is. An
 * intake's key opens transfers alone, and envelopes are never sealed to it: no key serves both modes.
 *
 * Source: docs/format.md §12.6; RFC 9180 §5.1.1; draft-ietf-cose-hpke-25 §3.3.
 */
import {
  decodeTransferContent,
  encodeCbor,
  encodeEncrypt,
  encodeTransferContent,
  encodeTransferHeader,
  encodeTransferRecipient,
  encStructure,
  IntakeId,
  recipientStructure,
  SUITE,
  type ParsedTransfer,
  type TransferContent,
  type TransferHeader,
} from "@pericard/protocol";
import { aeadOpen, aeadSeal } from "./aead.ts";
import { CryptoError } from "./errors.ts";
import { equalSecrets, hkdfExpand, sha256 } from "./hash.ts";
import { hpkeOpen, hpkeSeal, type HpkeKeyPair } from "./hpke.ts";
import { keyIdOf, x25519Private, x25519Public } from "./keys.ts";
import type { RandomSource } from "./random.ts";

const TYPE = "pericard/transfer";
const EMPTY = new Uint8Array(0);
const FINGERPRINT_BYTES = 16;

/**
 * First 16 bytes of SHA-256 of a raw public key: what operators compare, and what a root pin is. Enough against one who
 * looks for another key with the same (2^128 tries); two own keys with the same are of no use to anybody.
 */
export function fingerprintOf(rawPublic: Uint8Array): Uint8Array {
  return sha256(rawPublic).slice(0, FINGERPRINT_BYTES);
}

function commitmentOf(contentKey: Uint8Array, intake: IntakeId): Uint8Array {
  return hkdfExpand(contentKey, encodeCbor(["commit", IntakeId.toBytes(intake)]), 32);
}

/**
 * Seals terminals to an intake: the bytes of the COSE_Encrypt that a factory then signs.
 *
 * @param intakePublic X25519, raw 32 bytes.
 * @throws {CryptoError} ERR_SHARED_SECRET when that key is of low order.
 */
export function sealTransfer(
  intakePublic: Uint8Array,
  about: Pick<TransferHeader, "intake" | "transferNumber" | "factoryKey">,
  content: TransferContent,
  random: RandomSource,
): Uint8Array {
  const { intake, transferNumber, factoryKey } = about;
  const contentKey = random(32);
  const commitment = commitmentOf(contentKey, intake);
  const header = { suite: SUITE.pericard1, intake, transferNumber, factoryKey, commitment };
  const protectedBytes = encodeTransferHeader(header);
  const recipientProtectedBytes = encodeTransferRecipient(keyIdOf(intakePublic));
  const info = recipientStructure(recipientProtectedBytes, protectedBytes);
  const wrapped = hpkeSeal(x25519Public(intakePublic), x25519Private(random(32)), { info, aad: EMPTY }, contentKey);
  const aad = encStructure("Encrypt", protectedBytes, TYPE);
  return encodeEncrypt({
    protectedBytes,
    ciphertext: aeadSeal("aes-256-gcm", contentKey, aad, encodeTransferContent(content)),
    recipientProtectedBytes,
    encapsulatedKey: wrapped.encapsulatedKey,
    wrappedKey: wrapped.ciphertext,
  });
}

/**
 * Opens a transfer whose signature was verified.
 *
 * @throws {CryptoError} ERR_SHARED_SECRET, ERR_SEAL_BROKEN or ERR_KEY_COMMITMENT.
 * @throws {ProtocolError} when the content is not a tenant and 1 to 1,000 terminals.
 */
export function openTransfer(intake: HpkeKeyPair, parsed: ParsedTransfer): TransferContent {
  const { header, protectedBytes, recipientProtectedBytes, encapsulatedKey, wrappedKey, ciphertext } = parsed;
  const info = recipientStructure(recipientProtectedBytes, protectedBytes);
  const contentKey = hpkeOpen(intake, { encapsulatedKey, ciphertext: wrappedKey }, { info, aad: EMPTY });
  if (!equalSecrets(commitmentOf(contentKey, header.intake), header.commitment)) {
    throw new CryptoError("ERR_KEY_COMMITMENT", "transfer was sealed under another key");
  }
  const aad = encStructure("Encrypt", protectedBytes, TYPE);
  return decodeTransferContent(aeadOpen("aes-256-gcm", contentKey, aad, ciphertext));
}
