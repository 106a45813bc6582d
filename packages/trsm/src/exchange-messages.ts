/**
 * How each suite reads and writes what travels in a key change, as the terminal sees it. The steps themselves are in
 * key-exchange.ts.
 *
 * Source: docs/format.md §7.8; docs/format-paper-2018.md §7.
 */
import { openKeyOrder, openPaperKeyOrder, type KeyChangeSecrets, type SyntheticTenant } from "@pericard/crypto";
import {
  KeyAnswer,
  KeyOffer,
  PaperKeyAnswer,
  PaperKeyOffer,
  PaperKeyOrder,
  parseKeyOrder,
  parseSigned,
  type KeyOrder,
  type RoutingId,
} from "@pericard/protocol";
import type { SignStatement } from "./secure-module.ts";

/** An M3 whose sealed part is closed. */
export interface ClosedOrder {
  readonly routing: RoutingId;
  readonly version: number;
  /** What it orders. @throws {CryptoError} or {ProtocolError} when it is of another exchange, or out of range. */
  open(secrets: Pick<KeyChangeSecrets, "sharedSecret" | "transcript">): KeyOrder;
}

/** The messages of one suite. Reading throws {ProtocolError} for what is malformed. */
export interface ExchangeMessages {
  /** M1. */
  readOffer(message: Uint8Array): Omit<KeyOffer, "nonce">;
  /** M2. */
  writeAnswer(answer: KeyAnswer): Uint8Array;
  /** M3. */
  readOrder(message: Uint8Array): ClosedOrder;
}

/** Those of pericard-1: signed, the order sealed under the block too. @param commandKey K_command of a group, 32 bytes. */
export function pericardMessages(
  sign: SignStatement,
  commandKey: (cycle: number, index: number) => Uint8Array,
): ExchangeMessages {
  return {
    readOffer: (message) => KeyOffer.decode(parseSigned(message).payload),
    writeAnswer: (answer) => sign("pericard/key-answer", answer.routing, KeyAnswer.encode(answer)),
    readOrder: (message) => {
      const parsed = parseKeyOrder(parseSigned(message).payload);
      const { routing, version, cycle, index } = parsed.header;
      const open: ClosedOrder["open"] = (secrets) =>
        openKeyOrder({ ...secrets, commandKey: commandKey(cycle, index) }, parsed);
      return { routing, version, open };
    },
  };
}

/** Those of paper-2018: under no signature, the order sealed under K alone. */
export function paperMessages(leave: SyntheticTenant): ExchangeMessages {
  return {
    readOffer: PaperKeyOffer.decode,
    writeAnswer: PaperKeyAnswer.encode,
    readOrder: (message) => {
      const parsed = PaperKeyOrder.decode(message);
      const { routing, version } = parsed;
      return { routing, version, open: ({ sharedSecret }) => openPaperKeyOrder(leave, sharedSecret, parsed) };
    },
  };
}
