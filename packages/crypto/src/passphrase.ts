/**
 * Values sealed under a passphrase: the KEK, a TRSM's image, a root key kept off the server.
 *
 * Layout: CBOR ["pericard/passphrase", memory KiB, passes, lanes, salt 16, blob], the blob under Argon2id of the passphrase.
 *
 * Source: RFC 9106; docs/format.md §4.5.
 */
import { argon2Sync } from "node:crypto";
import { decodeCanonical, encodeCbor, readBytes, readInt, readTuple } from "@pericard/protocol";
import { openBlob, sealBlob } from "./blob.ts";
import { CryptoError } from "./errors.ts";
import type { RandomSource } from "./random.ts";

const FORMAT = "pericard/passphrase";
const PLAIN_BYTES_MAX = 64 * 1024;
/** Contents, blob overhead and room for the fields. */
const SEALED_BYTES_MAX = PLAIN_BYTES_MAX + 1024;

/** Cost of one guess. Source: RFC 9106 §4, second recommended option: 64 MiB, 3 passes, 4 lanes. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passCount: number;
  readonly laneCount: number;
}
export const ARGON2_COST: Argon2Cost = { memoryKib: 64 * 1024, passCount: 3, laneCount: 4 };

function stretch(passphrase: Uint8Array, salt: Uint8Array, cost: Argon2Cost): Uint8Array {
  const parameters = { memory: cost.memoryKib, passes: cost.passCount, parallelism: cost.laneCount };
  return new Uint8Array(argon2Sync("argon2id", { message: passphrase, nonce: salt, tagLength: 32, ...parameters }));
}

/**
 * Seals up to 64 KiB under a passphrase of 1 byte or more.
 *
 * @throws {RangeError} when the passphrase is empty, the contents are longer, or the cost is one that opening refuses.
 */
export function sealWithPassphrase(
  passphrase: Uint8Array,
  purpose: string,
  plain: Uint8Array,
  random: RandomSource,
  cost: Argon2Cost = ARGON2_COST,
): Uint8Array {
  if (passphrase.length === 0) throw new RangeError("passphrase: expected 1 byte or more, got 0");
  if (plain.length > PLAIN_BYTES_MAX) {
    throw new RangeError(`contents: expected at most ${PLAIN_BYTES_MAX} bytes, got ${plain.length}`);
  }
  readCost(cost.memoryKib, cost.passCount, cost.laneCount);
  const salt = random(16);
  const key = stretch(passphrase, salt, cost);
  const blob = sealBlob(key, [FORMAT, purpose], plain, random);
  return encodeCbor([FORMAT, cost.memoryKib, cost.passCount, cost.laneCount, salt, blob]);
}

/**
 * Opens what {@link sealWithPassphrase} made for the same purpose.
 *
 * @throws {CryptoError} ERR_PASSPHRASE_FORMAT when the bytes are not such a value or ask for more than 1 GiB or 16 passes,
 * ERR_PASSPHRASE_WRONG when the passphrase or a byte is another.
 */
export function openWithPassphrase(passphrase: Uint8Array, purpose: string, sealed: Uint8Array): Uint8Array {
  const { cost, salt, blob } = parseSealed(sealed);
  try {
    return openBlob(stretch(passphrase, salt, cost), [FORMAT, purpose], blob);
  } catch (cause) {
    throw new CryptoError("ERR_PASSPHRASE_WRONG", "passphrase is wrong or the sealed value was changed", { cause });
  }
}

function parseSealed(sealed: Uint8Array): { cost: Argon2Cost; salt: Uint8Array; blob: Uint8Array } {
  try {
    const [format, memoryKib, passes, lanes, salt, blob] = readTuple(
      "sealed value",
      decodeCanonical(sealed, SEALED_BYTES_MAX),
      6,
    );
    if (format !== FORMAT || !(blob instanceof Uint8Array)) throw new TypeError("format is unknown");
    return { cost: readCost(memoryKib, passes, lanes), salt: readBytes("salt", salt, 16), blob };
  } catch (cause) {
    throw new CryptoError("ERR_PASSPHRASE_FORMAT", "value is not sealed under a passphrase", { cause });
  }
}

/** Argon2 needs 8 KiB a lane; more than 1 GiB or 16 passes would let a changed file stall its reader. */
function readCost(memoryKib: unknown, passes: unknown, lanes: unknown): Argon2Cost {
  const laneCount = readInt("lanes", lanes, 1, 16);
  return {
    memoryKib: readInt("memory", memoryKib, 8 * laneCount, 1024 * 1024),
    passCount: readInt("passes", passes, 1, 16),
    laneCount,
  };
}
