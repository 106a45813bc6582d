/**
 * From a terminal's key block to its keys.
 *
 * A lone k_i (64 bits) is never a key: keys come from groups of eight, and the cycle is in the derivation, so that the
 * rolling loop after key 119 begins with new keys.
 *
 * Source: paper A §II.E, §III (groups of 8); docs/format.md §4.1; docs/keys.md.
 */
import { encodeCbor, KEYS_PER_BLOCK, TenantId, TerminalId, UINT32_MAX, type Suite } from "@pericard/protocol";
import { hkdfExpand, hkdfExtract, hmacSha256, sha256 } from "./hash.ts";

/** Bytes of one k_i and of a whole block. Source: paper A §II.D. */
export const KEY_BYTES = 8;
export const KEY_BLOCK_BYTES = KEYS_PER_BLOCK * KEY_BYTES;
const GROUP_KEYS = 8;

/** What a terminal's keys are bound to. */
export interface TerminalBinding {
  readonly suite: Suite;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
}

/** Purposes of the keys of one group. */
export type GroupKeyLabel = "storage" | "transport" | "command" | "return";

function requireBlock(block: Uint8Array): void {
  if (block.length !== KEY_BLOCK_BYTES) {
    throw new RangeError(`key block: expected ${KEY_BLOCK_BYTES} bytes, got ${block.length}`);
  }
}

/** G_i = k_i ‖ … ‖ k_(i+7 mod 120), 64 bytes. @throws {RangeError} for a block of another size or an index beyond 119. */
export function keyGroup(block: Uint8Array, index: number): Uint8Array {
  requireBlock(block);
  if (!Number.isInteger(index) || index < 0 || index >= KEYS_PER_BLOCK) {
    throw new RangeError(`key index: expected 0 to ${KEYS_PER_BLOCK - 1}, got ${index}`);
  }
  const group = new Uint8Array(GROUP_KEYS * KEY_BYTES);
  for (let i = 0; i < GROUP_KEYS; i += 1) {
    const at = ((index + i) % KEYS_PER_BLOCK) * KEY_BYTES;
    group.set(block.subarray(at, at + KEY_BYTES), i * KEY_BYTES);
  }
  return group;
}

function bindingSalt({ suite, tenant, terminal }: TerminalBinding): Uint8Array {
  return sha256(encodeCbor([suite, TenantId.toBytes(tenant), TerminalId.toBytes(terminal)]));
}

/** K_label of group `index` in `cycle`, 32 bytes. @throws {RangeError} for a block, index or cycle that cannot be. */
export function deriveGroupKey(
  block: Uint8Array,
  binding: TerminalBinding,
  label: GroupKeyLabel,
  cycle: number,
  index: number,
): Uint8Array {
  if (!Number.isInteger(cycle) || cycle < 0 || cycle > UINT32_MAX) {
    throw new RangeError(`cycle: expected 0 to ${UINT32_MAX}, got ${cycle}`);
  }
  const prk = hkdfExtract(bindingSalt(binding), keyGroup(block, index));
  return hkdfExpand(prk, encodeCbor([binding.suite, label, cycle, index]), 32);
}

/** What the deployment check covers: the terminal's answer proves the block and vouches for its public keys. */
export interface DeploymentChallenge {
  readonly challenge: Uint8Array;
  readonly signPublicKey: Uint8Array;
  readonly agreePublicKey: Uint8Array;
}

/**
 * HMAC-SHA-256 under a key from all 960 bytes, over challenge, serial, suite and public keys; 32 bytes.
 *
 * Source: paper A §II.G, as corrected in docs/papers.md.
 */
export function deploymentProof(block: Uint8Array, binding: TerminalBinding, about: DeploymentChallenge): Uint8Array {
  requireBlock(block);
  const prk = hkdfExtract(bindingSalt(binding), block);
  const key = hkdfExpand(prk, encodeCbor([binding.suite, "verify"]), 32);
  return hmacSha256(
    key,
    encodeCbor([
      about.challenge,
      TerminalId.toBytes(binding.terminal),
      binding.suite,
      about.signPublicKey,
      about.agreePublicKey,
    ]),
  );
}
