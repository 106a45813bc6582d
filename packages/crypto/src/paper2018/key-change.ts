/**
 * The key change of suite paper-2018: the paper's agreement as a {@link KeyAgreement}, and the order under K.
 *
 * Neither key block nor signature has a part in it: whoever stands between both sides knows both their K and may order
 * any maximum.
 *
 * Source: paper A §II.H; docs/format-paper-2018.md §7.
 */
import {
  decodeKeyOrder,
  encodeKeyOrder,
  PaperKeyOrder,
  ProtocolError,
  type KeyOrder,
  type RoutingId,
} from "@pericard/protocol";
import type { KeyAgreement } from "../key-change.ts";
import { desDecrypt, desEncrypt } from "./des.ts";
import { beginPaperExchange, finishPaperExchange, type PaperGroup } from "./diffie-hellman.ts";
import type { SyntheticTenant } from "./guard.ts";
import { paperExchangeKey } from "./keys.ts";

/** Diffie–Hellman over Q and p: exponents, public values and shared secrets of 48 bytes; 1 and Q - 1 are taken. */
export function paperAgreement(leave: SyntheticTenant, group: PaperGroup): KeyAgreement {
  return {
    draw: (random) => {
      const { secret, sent } = beginPaperExchange(leave, group, random);
      return { secret, publicKey: sent };
    },
    agree: (secret, otherPublicKey) => finishPaperExchange(leave, group, secret, otherPublicKey),
  };
}

/** M3: the order under the DES key of K. @throws {ProtocolError} ERR_FIELD_RANGE when it is one that no reader takes. */
export function sealPaperKeyOrder(
  leave: SyntheticTenant,
  sharedSecret: Uint8Array,
  routing: RoutingId,
  order: KeyOrder,
): Uint8Array {
  const ciphertext = desEncrypt(leave, paperExchangeKey(leave, sharedSecret), encodeKeyOrder(order));
  return PaperKeyOrder.encode({ routing, version: order.version, ciphertext });
}

/**
 * What an M3 orders. Nothing tells who sealed it.
 *
 * @throws {CryptoError} ERR_SEAL_BROKEN when it does not open. @throws {ProtocolError} when what opened is no order, as
 * under another K, has a value out of range, or another version than its message.
 */
export function openPaperKeyOrder(leave: SyntheticTenant, sharedSecret: Uint8Array, message: PaperKeyOrder): KeyOrder {
  const order = decodeKeyOrder(desDecrypt(leave, paperExchangeKey(leave, sharedSecret), message.ciphertext));
  if (order.version === message.version) return order;
  throw new ProtocolError("ERR_FIELD_RANGE", "key order has another version than its message");
}
