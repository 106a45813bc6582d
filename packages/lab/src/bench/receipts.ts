/** Whether an answer of the server is the receipt of an envelope. */
import { ed25519Public, verifyMessage } from "@pericard/crypto";
import { decodeMail, equalBytes, parseSigned, Receipt } from "@pericard/protocol";
import type { PreparedEnvelope } from "./fleet.ts";

/** One signature in so many is verified; the load would otherwise cost as much as the server. */
const SIGNATURE_SAMPLE = 64;

/** A check for {@link runLoad}. `receiptKey` is the server's public receipt key, 32 bytes. */
export function createReceiptCheck(
  receiptKey: Uint8Array,
): (answer: Uint8Array, envelope: PreparedEnvelope) => boolean {
  const key = ed25519Public(receiptKey);
  let count = 0;
  return (answer, { hash }) => {
    const receipt = decodeMail(answer)
      .map((message) => parseSigned(message))
      .find(({ type }) => type === "pericard/receipt");
    if (!receipt) return false;
    if (count % SIGNATURE_SAMPLE === 0) verifyMessage(key, receipt);
    count += 1;
    return Receipt.decode(receipt.payload).hashes.some((listed) => equalBytes(listed, hash));
  };
}
