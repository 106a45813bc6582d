/** Vectors of the secure module's image, written by its table and not by the code. Source: docs/format.md §11.1. */
import { concatBytes, fromHex, SUITE, TerminalId, toHex } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";
import { flipBit } from "./edit.ts";
import { BINDING, BLOCK, HASH, OTHER_HASH } from "./fixtures.ts";

/** Why an image is refused. */
type Code = "ERR_TRSM_IMAGE_SIZE" | "ERR_TRSM_IMAGE_CHECKSUM" | "ERR_TRSM_IMAGE_FORMAT";

const SERIAL = TerminalId.toBytes(BINDING.terminal);
const ROOT_PIN = OTHER_HASH.slice(0, 16);
const ZERO_SEED = new Uint8Array(32);
/** 2^384 - 2^128 - 2^96 + 2^32 - 1, the prime of P-384 (FIPS 186-4 §D.1.2.4). */
const PRIME = fromHex(`${"f".repeat(63)}effffffff${"0".repeat(16)}ffffffff`);

/** CRC-32C by the long division of its definition, over all bits. Source: RFC 3720 appendix B.4. */
export function checksumOf(bytes: Uint8Array): Uint8Array {
  let remainder = 0xffff_ffffn;
  for (const byte of bytes) {
    for (let bit = 0n; bit < 8n; bit += 1n) {
      const carry = (remainder ^ (BigInt(byte) >> bit)) & 1n;
      remainder = (remainder >> 1n) ^ (carry * 0x82f6_3b78n);
    }
  }
  return fromHex((remainder ^ 0xffff_ffffn).toString(16).padStart(8, "0"));
}

/** The bytes before the checksum, with the checksum that they have. */
function withChecksum(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes(...parts);
  return concatBytes(bytes, checksumOf(bytes));
}

interface Parts {
  readonly format?: number;
  readonly flags?: number;
  readonly seed?: Uint8Array;
  readonly generator?: number;
  readonly prime?: Uint8Array;
  readonly index?: string;
}

function pericard({ format = 0x11, flags = 1, seed = HASH, index = "a1b2c3d4" }: Parts = {}): Uint8Array {
  return withChecksum(BLOCK, Uint8Array.of(format, flags), SERIAL, fromHex(index), seed, ROOT_PIN);
}

function paper({ format = 0x10, generator = 2, prime = PRIME, index = "a1b2c3d4" }: Parts = {}): Uint8Array {
  return withChecksum(BLOCK, Uint8Array.of(format), SERIAL, fromHex(index), Uint8Array.of(generator), prime);
}

function accepted(name: string, bytes: Uint8Array, decoded: VectorCase["decoded"]): VectorCase {
  return { name, expect: "accept", bytesHex: toHex(bytes), ...(decoded !== undefined && { decoded }) };
}

function refused(name: string, bytes: Uint8Array, expect: Code): VectorCase {
  return { name, expect, bytesHex: toHex(bytes) };
}

/** Every vector of an image. */
export function trsmImageVectors(): VectorFile {
  const ours = { suite: SUITE.pericard1, block: toHex(BLOCK), serial: BINDING.terminal, rootPin: toHex(ROOT_PIN) };
  const papers = { suite: SUITE.paper2018, block: toHex(BLOCK), serial: BINDING.terminal };
  const [size, checksum, format] = ["ERR_TRSM_IMAGE_SIZE", "ERR_TRSM_IMAGE_CHECKSUM", "ERR_TRSM_IMAGE_FORMAT"] as const;
  const short = fromHex(`7f${toHex(PRIME).slice(2)}`);
  const even = flipBit(PRIME, -1);
  return {
    structure: "image of a secure module",
    source: "docs/format.md §11.1",
    steps: "check size, then checksum, then format and suite, then the fields of the suite",
    cases: [
      accepted("of pericard-1", pericard(), { ...ours, blockIndex: 0xa1b2c3d4, identitySeed: toHex(HASH) }),
      accepted("of pericard-1 without an identity", pericard({ flags: 0, seed: ZERO_SEED, index: "00000000" }), {
        ...ours,
        blockIndex: 0,
        identitySeed: toHex(ZERO_SEED),
      }),
      accepted("of paper-2018", paper(), { ...papers, blockIndex: 0xa1b2c3d4, generator: 2, prime: toHex(PRIME) }),
      accepted("of paper-2018 with the greatest index and p", paper({ generator: 255, index: "ffffffff" }), {
        ...papers,
        blockIndex: 0xffff_ffff,
        generator: 255,
        prime: toHex(PRIME),
      }),
      refused("empty", new Uint8Array(0), size),
      refused("of 1,023 bytes", pericard().slice(1), size),
      refused("of 1,025 bytes", concatBytes(pericard(), Uint8Array.of(0)), size),
      refused("of paper-2018 of 1,023 bytes", paper().slice(0, -1), size),
      refused("first bit of the key block is turned over", flipBit(pericard(), 0), checksum),
      refused("last bit of the key block is turned over", flipBit(pericard(), 959, 7), checksum),
      refused("a bit of the suite is turned over", flipBit(pericard(), 960), checksum),
      refused("a bit of the root pin is turned over", flipBit(pericard(), 1019), checksum),
      refused("a bit of the checksum is turned over", flipBit(pericard(), 1023), checksum),
      refused("a bit of Q is turned over", flipBit(paper(), 1000), checksum),
      refused(
        "the checksum is little-endian",
        concatBytes(pericard().slice(0, 1020), pericard().slice(1020).toReversed()),
        checksum,
      ),
      refused("all bytes are zero", new Uint8Array(1024), checksum),
      refused("of format 0", pericard({ format: 0x01 }), format),
      refused("of format 2", pericard({ format: 0x21 }), format),
      refused("of suite 2", pericard({ format: 0x12 }), format),
      refused("of suite 15", pericard({ format: 0x1f }), format),
      refused("of format 2, suite paper-2018", paper({ format: 0x20 }), format),
      refused("says that it has an identity, and has none", pericard({ seed: ZERO_SEED }), format),
      refused("says that it has no identity, and has one", pericard({ flags: 0 }), format),
      refused("has a flag that nobody knows", pericard({ flags: 3 }), format),
      refused("of paper-2018 whose p is 0", paper({ generator: 0 }), format),
      refused("of paper-2018 whose p is 1", paper({ generator: 1 }), format),
      refused("of paper-2018 whose Q is even", paper({ prime: even }), format),
      refused("of paper-2018 whose Q has 383 bits", paper({ prime: short }), format),
      refused("of paper-2018 whose Q is 0", paper({ prime: new Uint8Array(48) }), format),
    ],
  };
}
