/**
 * Paper A alone: a terminal, its messages, and the lab's own receiver, which is no part of the platform.
 *
 *     in the flash   DES(k_i, samples)
 *     message        [serial, key index, codec, C]      C = DES(K_C, codec([what lies in the flash, …]))
 *
 * The paper names no form: these few fields are what its cloud must know to open C. Nothing is signed, numbered or
 * authenticated, since the paper has none of it.
 *
 * Source: paper A §II.E to H, §III, Fig. 1.
 */
import {
  CryptoError,
  desDecrypt,
  desEncrypt,
  paperStorageKey,
  paperTransportKey,
  sha256,
  type SyntheticTenant,
} from "@pericard/crypto";
import { BYTE_CODECS, DECODE_LIMITS, EcgError, getSegmentCodec } from "@pericard/ecg";
import {
  decodeCbor,
  decodePaperContent,
  encodeCbor,
  encodePaperContent,
  KEYS_PER_BLOCK,
  PAPER_CODECS,
  PAPER_CONTENT_BYTES_MAX,
  ProtocolError,
  readBytesUpTo,
  readInt,
  readOneOf,
  readTuple,
  SEALED_SEGMENT_BYTES_MAX,
  TerminalId,
  toHex,
  type PaperCodec,
} from "@pericard/protocol";
import type { Judge, Verdict } from "./target.ts";

/** A message taken apart. */
export interface PaperAMessage {
  readonly serial: TerminalId;
  readonly index: number;
  readonly codec: PaperCodec;
  readonly ciphertext: Uint8Array;
}

/** A terminal's keys, which it shares with the cloud. */
export interface PaperAKeys {
  readonly leave: SyntheticTenant;
  readonly serial: TerminalId;
  readonly block: Uint8Array;
}

/** What a name is given by: h of the bytes in the flash. */
export const nameOf = (item: Uint8Array): string => toHex(sha256(item));

/** Encrypts samples for the flash. */
export function sealPaperA({ leave, block }: PaperAKeys, index: number, samples: Uint8Array): Uint8Array {
  return desEncrypt(leave, paperStorageKey(leave, block, index), samples);
}

/** Compresses and encrypts what lies in the flash. */
export function encodePaperA(
  { leave, serial, block }: PaperAKeys,
  index: number,
  codec: PaperCodec,
  items: readonly Uint8Array[],
): Uint8Array {
  const encoded = BYTE_CODECS[codec].encode(encodePaperContent(items));
  const ciphertext = desEncrypt(leave, paperTransportKey(leave, block, index), encoded);
  return encodeCbor([TerminalId.toBytes(serial), index, codec, ciphertext]);
}

/** @throws {ProtocolError} when the message is none. */
export function parsePaperA(message: Uint8Array): PaperAMessage {
  const fields = readTuple("message", decodeCbor(message), 4);
  return {
    serial: TerminalId.fromBytes(fields[0]),
    index: readInt("key index", fields[1], 0, KEYS_PER_BLOCK - 1),
    codec: readOneOf("codec", fields[2], PAPER_CODECS),
    ciphertext: readBytesUpTo("ciphertext", fields[3], SEALED_SEGMENT_BYTES_MAX),
  };
}

/** The lab's receiver: takes whatever decrypts to samples, and keeps it. */
export class PaperAReceiver {
  readonly #keys: PaperAKeys;
  #keptBytes = 0;

  constructor(keys: PaperAKeys) {
    this.#keys = keys;
  }

  /** Bytes of all samples that were taken. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  readonly judge: Judge = (message) => Promise.resolve(this.#judge(message));

  #judge(message: Uint8Array): Verdict {
    try {
      return this.#take(message);
    } catch (error) {
      const isRefusal = error instanceof CryptoError || error instanceof EcgError || error instanceof ProtocolError;
      if (!isRefusal) throw error;
      return { taken: [], code: error.code };
    }
  }

  #take(message: Uint8Array): Verdict {
    const { leave, block } = this.#keys;
    const { index, codec, ciphertext } = parsePaperA(message);
    const encoded = desDecrypt(leave, paperTransportKey(leave, block, index), ciphertext);
    const items = decodePaperContent(BYTE_CODECS[codec].decode(encoded, PAPER_CONTENT_BYTES_MAX));
    const samples = items.map((item) => desDecrypt(leave, paperStorageKey(leave, block, index), item));
    for (const bytes of samples) this.#keep(bytes);
    return { taken: items.map(nameOf), code: null };
  }

  #keep(samples: Uint8Array): void {
    const leads = getSegmentCodec("raw").decode(samples, DECODE_LIMITS);
    this.#keptBytes += leads.reduce((sum, lead) => sum + lead.byteLength, 0);
  }
}
