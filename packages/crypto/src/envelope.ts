/**
 * Sealing and opening of envelopes: paper B's C and K_K, where K_K opens only to one who holds the server's private key
 * and the terminal's key block.
 *
 * Source: docs/format.md §6; paper B eqs. 1, 2, 4, 6, 8, as corrected in docs/papers.md.
 */
import {
  decodeEnvelopeContent,
  encodeEnvelopeContent,
  encodeEnvelopeHeader,
  encodePskId,
  encodeRecipientHeader,
  EnvelopeId,
  SUITE,
  type KeyId,
  type ParsedEnvelope,
  type RoutingId,
} from "@pericard/protocol";
import type { HpkeKeyPair, Psk } from "./hpke.ts";
import type { KeyObject } from "./keys.ts";
import type { RandomSource } from "./random.ts";
import { openEncrypt, sealEncrypt } from "./seal-encrypt.ts";

const TYPE = "pericard/envelope";

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

function pskOf({ transportKey, cycle, index }: Pick<EnvelopeKeys, "transportKey" | "cycle" | "index">): Psk {
  return { key: transportKey, id: encodePskId(cycle, index) };
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
  const bytes = sealEncrypt(
    {
      type: TYPE,
      id: EnvelopeId.toBytes(envelope),
      psk: pskOf(keys),
      recipientPublic: keys.hpkePublic,
      recipientProtectedBytes: encodeRecipientHeader(keys),
      protectedBytes: (commitment) =>
        encodeEnvelopeHeader({ suite: SUITE.pericard1, envelope, routing, commitment, paddedBytes: content.length }),
      content,
    },
    random,
  );
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
  const { header, recipient: named } = parsed;
  const kind = { type: TYPE, id: EnvelopeId.toBytes(header.envelope), psk: pskOf({ ...named, transportKey }) };
  const content = openEncrypt(recipient, kind, parsed, header.commitment);
  return { segments: decodeEnvelopeContent(content), content };
}
