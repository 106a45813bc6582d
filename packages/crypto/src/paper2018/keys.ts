/**
 * From a terminal's key block, and from an agreement, to the keys of suite paper-2018.
 *
 * The cycle is in no key: after key 119 the same keys come again, as the paper has it.
 *
 * Source: paper A §II.D to H, §III; docs/format-paper-2018.md §3, §7.
 */
import { hash } from "node:crypto";
import { DES_KEY_BYTES, PAPER_GROUP_BYTES } from "@pericard/protocol";
import { KEY_BLOCK_BYTES, KEY_BYTES, keyGroup } from "../schedule.ts";
import { SyntheticTenant } from "./guard.ts";

function md5(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash("md5", bytes, "buffer"));
}

/** k_i itself, 8 bytes: the key that segments are sealed under. @throws {RangeError} for a block or index that cannot be. */
export function paperStorageKey(leave: SyntheticTenant, block: Uint8Array, index: number): Uint8Array {
  SyntheticTenant.idOf(leave);
  return keyGroup(block, index).slice(0, KEY_BYTES);
}

/**
 * K_C: the first 8 of the 16 bytes of MD5(G_i), G_i = k_i ‖ … ‖ k_(i+7 mod 120). The paper leaves unsaid which half, and
 * what follows key 113.
 *
 * @throws {RangeError} for a block or index that cannot be.
 */
export function paperTransportKey(leave: SyntheticTenant, block: Uint8Array, index: number): Uint8Array {
  SyntheticTenant.idOf(leave);
  return md5(keyGroup(block, index)).slice(0, DES_KEY_BYTES);
}

/**
 * The DES key of a key change: the first 8 bytes of K. The paper calls K itself the key, and leaves unsaid how 384 bits
 * become one.
 *
 * @param sharedSecret K, 48 bytes, big-endian. @throws {RangeError} for another size.
 */
export function paperExchangeKey(leave: SyntheticTenant, sharedSecret: Uint8Array): Uint8Array {
  SyntheticTenant.idOf(leave);
  if (sharedSecret.length !== PAPER_GROUP_BYTES) {
    throw new RangeError(`K: expected ${PAPER_GROUP_BYTES} bytes, got ${sharedSecret.length}`);
  }
  return sharedSecret.slice(0, DES_KEY_BYTES);
}

/** MD5 of all 960 bytes, 16 bytes: the paper's check of a deployment, the same each time. @throws {RangeError} for another size. */
export function paperBlockDigest(leave: SyntheticTenant, block: Uint8Array): Uint8Array {
  SyntheticTenant.idOf(leave);
  if (block.length !== KEY_BLOCK_BYTES) {
    throw new RangeError(`key block: expected ${KEY_BLOCK_BYTES} bytes, got ${block.length}`);
  }
  return md5(block);
}
