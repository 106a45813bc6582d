/** An account of everything that the server ever signed for, kept outside of the programs under test. */
import { ed25519Public, keyIdOf, verifyMessage } from "@pericard/crypto";
import { decodeMail, MAIL_MEDIA_TYPE, parseSigned, KeyId, Receipt, toHex } from "@pericard/protocol";
import { LabError } from "../errors.ts";
import type { TappedMessage } from "./http-tap.ts";

/** Receipts that passed, their signatures verified. */
export class ReceiptLedger {
  readonly #receiptKeys = new Map<KeyId, ReturnType<typeof ed25519Public>>();
  readonly #copies = new Map<string, number>();
  #receiptCount = 0;

  /** @param receiptKey the server's public key for receipts, 32 bytes. */
  constructor(receiptKey: Uint8Array) {
    this.believe(receiptKey);
  }

  /** Takes the server's next key for receipts too. */
  believe(receiptKey: Uint8Array): void {
    this.#receiptKeys.set(keyIdOf(receiptKey), ed25519Public(receiptKey));
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
    const key = this.#receiptKeys.get(KeyId.fromBytes(parsed.keyIdBytes));
    if (!key) throw new LabError("ERR_CHILD_FAILED", "receipt is signed by a key that nobody made");
    verifyMessage(key, parsed);
    const { hashes, copyCount } = Receipt.decode(parsed.payload);
    this.#receiptCount += 1;
    for (const hash of hashes) {
      const hex = toHex(hash);
      this.#copies.set(hex, Math.max(copyCount, this.#copies.get(hex) ?? 0));
    }
  }
}
