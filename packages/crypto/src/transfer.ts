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
  encodeTransferContent,
  encodeTransferHeader,
  encodeTransferRecipient,
  IntakeId,
  SUITE,
  type ParsedTransfer,
  type TransferContent,
  type TransferHeader,
} from "@pericard/protocol";
import { sha256 } from "./hash.ts";
import type { HpkeKeyPair } from "./hpke.ts";
import { keyIdOf, x25519Public } from "./keys.ts";
import type { RandomSource } from "./random.ts";
import { openEncrypt, sealEncrypt } from "./seal-encrypt.ts";

const TYPE = "pericard/transfer";
const FINGERPRINT_BYTES = 16;

/**
 * First 16 bytes of SHA-256 of a raw public key: what operators compare, and what a root pin is. Enough against one who
 * looks for another key with the same (2^128 tries); two own keys with the same are of no use to anybody.
 */
export function fingerprintOf(rawPublic: Uint8Array): Uint8Array {
  return sha256(rawPublic).slice(0, FINGERPRINT_BYTES);
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
  const draft = {
    type: TYPE,
    id: IntakeId.toBytes(intake),
    psk: undefined,
    recipientPublic: x25519Public(intakePublic),
    recipientProtectedBytes: encodeTransferRecipient(keyIdOf(intakePublic)),
    protectedBytes: (commitment: Uint8Array) =>
      encodeTransferHeader({ suite: SUITE.pericard1, intake, transferNumber, factoryKey, commitment }),
    content: encodeTransferContent(content),
  };
  return sealEncrypt(draft, random);
}

/**
 * Opens a transfer whose signature was verified.
 *
 * @throws {CryptoError} ERR_SHARED_SECRET, ERR_SEAL_BROKEN or ERR_KEY_COMMITMENT.
 * @throws {ProtocolError} when the content is not a tenant and 1 to 1,000 terminals.
 */
export function openTransfer(intake: HpkeKeyPair, parsed: ParsedTransfer): TransferContent {
  const { intake: id, commitment } = parsed.header;
  const kind = { type: TYPE, id: IntakeId.toBytes(id), psk: undefined };
  return decodeTransferContent(openEncrypt(intake, kind, parsed, commitment));
}
