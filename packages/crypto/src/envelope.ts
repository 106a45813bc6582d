/**
 * Sealing and opening of envelopes: paper B's C and K_K, where K_K opens only to one who holds the server's private key
 * and the terminal's key block.
 *
 * Source: docs/format.md §6; paper B eqs. 1, 2, 4, 6, 8, as corrected in docs/papers.md.
 */
import {
  decodeEnvelopeContent,
  encodeCbor,
  encodeEncrypt,
  encodeEnvelopeContent,
  encodeEnvelopeHeader,
  encodePskId,
  encodeRecipientHeader,
  encStructure,
  EnvelopeId,
  recipientStructure,
  SUITE,
  type KeyId,
  type ParsedEnvelope,
  type RoutingId,
} from "@pericard/protocol";
import { aeadOpen, aeadSeal } from "./aead.ts";
import { CryptoError } from "./errors.ts";
import { equalSecrets, hkdfExpand } from "./hash.ts";
import { hpkeOpen, hpkeSeal, type HpkeKeyPair } from "./hpke.ts";
import { x25519Private, type KeyObject } from "./keys.ts";
import type { RandomSource } from "./random.ts";

const TYPE = "pericard/envelope";
const EMPTY = new Uint8Array(0);

/** To whom an envelope is sealed and from whom it comes. `transportKey` is the HPKE psk, 32 bytes. */
export interface EnvelopeKeys {
  readonly hpkeKey: KeyId;
  readonly hpkePublic: KeyObject;
  readonly transportKey: Uint8Array;
  readonly cycle: number;
  readonly index: number;
}

/** P of an opened envelope, and its sealed segments, which lie in it. */
export interface OpenedEnvelope {
  readonly segments: readonly Uint8Array[];
  readonly content: Uint8Array;
}

/** The 32 bytes that bind C to one K_C. */
function commitmentOf(contentKey: Uint8Array, envelope: EnvelopeId): Uint8Array {
  return hkdfExpand(contentKey, encodeCbor(["commit", EnvelopeId.toBytes(envelope)]), 32);
}

/** Seals 1 to 64 journalled segments: the bytes of the COSE_Encrypt that a terminal then signs. */
export function sealEnvelope(
  keys: EnvelopeKeys,
  routing: RoutingId,
  segments: readonly Uint8Array[],
  random: RandomSource,
): { envelope: EnvelopeId; bytes: Uint8Array } {
  const content = encodeEnvelopeContent(segments);
  const envelope = EnvelopeId.fromBytes(random(16));
  const contentKey = random(32);
  const commitment = commitmentOf(contentKey, envelope);
  const header = { suite: SUITE.pericard1, envelope, routing, commitment, paddedBytes: content.length };
  const protectedBytes = encodeEnvelopeHeader(header);
  const recipientProtectedBytes = encodeRecipientHeader(keys);
  const sealed = hpkeSeal(
    keys.hpkePublic,
    x25519Private(random(32)),
    {
      info: recipientStructure(recipientProtectedBytes, protectedBytes),
      aad: EMPTY,
      psk: { key: keys.transportKey, id: encodePskId(keys.cycle, keys.index) },
    },
    contentKey,
  );
  const aad = encStructure("Encrypt", protectedBytes, TYPE);
  const bytes = encodeEncrypt({
    protectedBytes,
    ciphertext: aeadSeal("aes-256-gcm", contentKey, aad, content),
    recipientProtectedBytes,
    encapsulatedKey: sealed.encapsulatedKey,
    wrappedKey: sealed.ciphertext,
  });
  return { envelope, bytes };
}

/**
 * Opens an envelope whose signature was verified: the sealed segments exactly as journalled, and the content that they
 * are views of.
 *
 * @throws {CryptoError} ERR_SHARED_SECRET, ERR_SEAL_BROKEN or ERR_KEY_COMMITMENT.
 * @throws {ProtocolError} when the content is not 1 to 64 byte strings and their padding.
 */
export function openEnvelope(recipient: HpkeKeyPair, transportKey: Uint8Array, parsed: ParsedEnvelope): OpenedEnvelope {
  const { cycle, index } = parsed.recipient;
  const contentKey = hpkeOpen(
    recipient,
    { encapsulatedKey: parsed.encapsulatedKey, ciphertext: parsed.wrappedKey },
    {
      info: recipientStructure(parsed.recipientProtectedBytes, parsed.protectedBytes),
      aad: EMPTY,
      psk: { key: transportKey, id: encodePskId(cycle, index) },
    },
  );
  if (!equalSecrets(commitmentOf(contentKey, parsed.header.envelope), parsed.header.commitment)) {
    throw new CryptoError("ERR_KEY_COMMITMENT", "envelope was sealed under another key");
  }
  const aad = encStructure("Encrypt", parsed.protectedBytes, TYPE);
  const content = aeadOpen("aes-256-gcm", contentKey, aad, parsed.ciphertext);
  return { segments: decodeEnvelopeContent(content), content };
}
