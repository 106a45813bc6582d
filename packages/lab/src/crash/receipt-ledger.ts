/** An account of everything that the server ever signed for, kept outside of the programs under test. */
import { ed25519Public, verifyMessage } from "@pericard/crypto";
import { decodeMail, MAIL_MEDIA_TYPE, parseSigned, Receipt, toHex } from "@pericard/protocol";
import type { TappedMessage } from "./http-tap.ts";

/** Receipts that passed, their signatures verified. */
export class ReceiptLedger {
  readonly #receiptKey: ReturnType<typeof ed25519Public>;
  readonly #copies = new Map<string, number>();
  #receiptCount = 0;

  /** @param receiptKey the server's public key for receipts, 32 bytes. */
  constructor(receiptKey: Uint8Array) {
    this.#receiptKey = ed25519Public(receiptKey);
  }

  /** Signed receipts that were heard, repetitions included. */
  get receiptCount(): number {
    return this.#receiptCount;
  }

  /** h of everything receipted, hexadecimal, with the copies that a receipt speaks of at least. */
  get copies(): ReadonlyMap<string, number> {
    return this.#copies;
  }

  /** Reads the mail of an answer, if it carries some. @throws {CryptoError} when a receipt's signature is wrong. */
  hear({ startLine, headers, body }: TappedMessage): void {
    const isMail = headers.get("content-type") === MAIL_MEDIA_TYPE && body.length > 0;
    if (!isMail || !/^HTTP\/1\.1 20[02] /.test(startLine)) return;
    for (const message of decodeMail(body)) this.#take(message);
  }

  #take(message: Uint8Array): void {
    const parsed = parseSigned(message);
    if (parsed.type !== "pericard/receipt") return;
    verifyMessage(this.#receiptKey, parsed);
    const { hashes, copyCount } = Receipt.decode(parsed.payload);
    this.#receiptCount += 1;
    for (const hash of hashes) {
      const hex = toHex(hash);
      this.#copies.set(hex, Math.max(copyCount, this.#copies.get(hex) ?? 0));
    }
  }
}
