/**
 * Sealing and opening of what a server gives back to a terminal: it opens to one who holds the terminal's agreement key
 * *and* its key block.
 *
 * Source: docs/format.md §7.10; paper B §4 (reverse output), as corrected in docs/papers.md.
 */
import {
  decodeReturnedContent,
  encodePskId,
  encodeRecipientHeader,
  encodeReturnedContent,
  encodeReturnedHeader,
  equalBytes,
  SUITE,
  type ParsedReturned,
  type ReturnedContent,
  type ReturnedHeader,
} from "@pericard/protocol";
import { CryptoError } from "./errors.ts";
import type { HpkeKeyPair } from "./hpke.ts";
import { keyIdOf, x25519Public } from "./keys.ts";
import type { RandomSource } from "./random.ts";
import { openEncrypt, sealEncrypt } from "./seal-encrypt.ts";

const TYPE = "pericard/returned";

/** To which terminal something is returned. */
export interface ReturnKeys {
  /** The terminal's X25519 key, raw 32 bytes. */
  readonly agreePublicKey: Uint8Array;
  /** K_return of the cycle and index that the terminal named, 32 bytes: the psk. */
  readonly returnKey: Uint8Array;
  readonly cycle: number;
  readonly index: number;
}

/** Which request a page answers: the terminal's routing id and SHA-256 of the signed request. */
export type ReturnRequest = Pick<ReturnedHeader, "routing" | "requestHash">;

/**
 * Seals a page to a terminal: the bytes of the COSE_Encrypt that the server then signs.
 *
 * @throws {ProtocolError} when the content is none that a reader takes. @throws {CryptoError} ERR_SHARED_SECRET.
 */
export function sealReturned(
  keys: ReturnKeys,
  about: ReturnRequest,
  content: ReturnedContent,
  random: RandomSource,
): Uint8Array {
  const { cycle, index, agreePublicKey } = keys;
  const bytes = encodeReturnedContent(content);
  const draft = {
    type: TYPE,
    id: about.requestHash,
    psk: { key: keys.returnKey, id: encodePskId(cycle, index) },
    recipientPublic: x25519Public(agreePublicKey),
    recipientProtectedBytes: encodeRecipientHeader({ hpkeKey: keyIdOf(agreePublicKey), cycle, index }),
    protectedBytes: (commitment: Uint8Array) =>
      encodeReturnedHeader({ suite: SUITE.pericard1, ...about, commitment, paddedBytes: bytes.length }),
    content: bytes,
  };
  return sealEncrypt(draft, random);
}

/**
 * Opens a page whose signature was verified.
 *
 * @param returnKey K_return of the cycle and index in the page's recipient header.
 * @param asked what the page must answer.
 * @throws {CryptoError} ERR_RETURN_MISMATCH when it answers another request or is for another terminal;
 * ERR_SHARED_SECRET, ERR_SEAL_BROKEN, also when it is sealed to another key, or ERR_KEY_COMMITMENT.
 * @throws {ProtocolError} when the content is no list or page.
 */
export function openReturned(
  terminal: HpkeKeyPair,
  returnKey: Uint8Array,
  parsed: ParsedReturned,
  asked: ReturnRequest,
): ReturnedContent {
  const { header, recipient } = parsed;
  if (header.routing !== asked.routing || !equalBytes(header.requestHash, asked.requestHash)) {
    throw new CryptoError("ERR_RETURN_MISMATCH", "page answers another request");
  }
  if (keyIdOf(terminal.publicBytes) !== recipient.hpkeKey) {
    throw new CryptoError("ERR_SEAL_BROKEN", "page is sealed to another key than the terminal's");
  }
  const psk = { key: returnKey, id: encodePskId(recipient.cycle, recipient.index) };
  const content = openEncrypt(terminal, { type: TYPE, id: header.requestHash, psk }, parsed, header.commitment);
  return decodeReturnedContent(content);
}
