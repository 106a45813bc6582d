/** The 1,024 bytes of the module, byte by byte. Source: docs/format.md §11.1. */
import { SUITE, TerminalId } from "@pericard/protocol";
import { systemRandom } from "@pericard/crypto";
import { describe, expect, test } from "vitest";
import { crc32c } from "../src/crc32c.ts";
import { decodeTrsmImage, encodeTrsmImage, TRSM_IMAGE_BYTES, type TrsmImage } from "../src/image.ts";
import type { PaperImage } from "../src/image-paper-2018.ts";
import type { PericardImage } from "../src/image-pericard-1.ts";

const IMAGE: PericardImage = {
  suite: SUITE.pericard1,
  block: systemRandom(960),
  serial: TerminalId.parse("112233445566"),
  blockIndex: 0xa1b2c3d4,
  identitySeed: systemRandom(32),
  rootPin: systemRandom(16),
};

const PRIME = systemRandom(48).map((byte, at) => (at === 0 || at === 47 ? byte | 0x81 : byte));
const PAPER_IMAGE: PaperImage = {
  suite: SUITE.paper2018,
  block: systemRandom(960),
  serial: TerminalId.parse("a12233445566"),
  blockIndex: 0xa1b2c3d4,
  generator: 5,
  prime: PRIME,
};

/** Gives an image the checksum that its bytes have. */
function resealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(1020, crc32c(bytes.subarray(0, 1020)));
  return bytes;
}

function changed(offset: number, value: number, image: TrsmImage = IMAGE): Uint8Array {
  const bytes = encodeTrsmImage(image);
  bytes[offset] = value;
  return bytes;
}

type Layout = readonly (readonly [name: string, offset: number, sizeBytes: number, wanted: Uint8Array])[];

const LAYOUT: Layout = [
  ["key block", 0, 960, IMAGE.block],
  ["format and suite", 960, 1, Uint8Array.of(0x11)],
  ["flags", 961, 1, Uint8Array.of(1)],
  ["serial", 962, 6, Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66)],
  ["block index", 968, 4, Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4)],
  ["identity seed", 972, 32, IMAGE.identitySeed],
  ["root pin", 1004, 16, IMAGE.rootPin],
  ["checksum", 1020, 4, encodeTrsmImage(IMAGE).subarray(1020)],
];

const PAPER_LAYOUT: Layout = [
  ["key block", 0, 960, PAPER_IMAGE.block],
  ["format and suite", 960, 1, Uint8Array.of(0x10)],
  ["serial", 961, 6, Uint8Array.of(0xa1, 0x22, 0x33, 0x44, 0x55, 0x66)],
  ["block index", 967, 4, Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4)],
  ["p", 971, 1, Uint8Array.of(5)],
  ["Q", 972, 48, PRIME],
  ["checksum", 1020, 4, encodeTrsmImage(PAPER_IMAGE).subarray(1020)],
];

const FORMS: readonly [suite: string, image: TrsmImage, layout: Layout][] = [
  ["pericard-1", IMAGE, LAYOUT],
  ["paper-2018", PAPER_IMAGE, PAPER_LAYOUT],
];

describe.each(FORMS)("the layout of %s is that of the design", (_, whole, layout) => {
  const bytes = encodeTrsmImage(whole);

  test.each(layout)("%s at %i, %i bytes", (_name, offset, sizeBytes, wanted) => {
    expect(bytes.subarray(offset, offset + sizeBytes)).toEqual(wanted);
  });

  test("without a hole and without a byte more", () => {
    let end = 0;
    for (const [, offset, sizeBytes] of layout) {
      expect(offset).toBe(end);
      end = offset + sizeBytes;
    }
    expect([end, bytes.length, TRSM_IMAGE_BYTES]).toEqual([1024, 1024, 1024]);
  });

  test("and the checksum is CRC-32C of what comes before it", () => {
    expect(new DataView(bytes.buffer).getUint32(1020)).toBe(crc32c(bytes.subarray(0, 1020)));
    expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe306_9283);
  });

  test("and it reads back, also from the middle of a buffer, as copies", () => {
    const padded = new Uint8Array(1034);
    padded.set(bytes, 7);
    const image = decodeTrsmImage(padded.subarray(7, 1031));
    padded.fill(0);
    expect(image).toEqual(whole);
  });
});

describe("an image is refused", () => {
  test.each([0, 1, 1023, 1025, 2048])("of %i bytes", (sizeBytes) => {
    const bytes = new Uint8Array(sizeBytes);
    bytes.set(encodeTrsmImage(IMAGE).subarray(0, sizeBytes));
    expect(() => decodeTrsmImage(bytes)).toThrow(expect.objectContaining({ code: "ERR_TRSM_IMAGE_SIZE" }));
  });

  test("with any bit flipped", () => {
    const bytes = encodeTrsmImage(IMAGE);
    for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
      const at = Math.floor(bit / 8);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
      if (bit % 7 === 0) {
        expect(() => decodeTrsmImage(bytes), `bit ${bit}`).toThrow(
          expect.objectContaining({ code: "ERR_TRSM_IMAGE_CHECKSUM" }),
        );
      }
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
    }
    expect(decodeTrsmImage(bytes)).toEqual(IMAGE);
  });

  const FORMATS: readonly [string, Uint8Array][] = [
    ["of another format", changed(960, 0x21)],
    ["of suite paper-2018 in another format", changed(960, 0x20, PAPER_IMAGE)],
    ["of an unknown suite", changed(960, 0x12)],
    ["of paper-2018 with a p that generates nothing", changed(971, 1, PAPER_IMAGE)],
    ["of paper-2018 with an even Q", changed(1019, 0, PAPER_IMAGE)],
    ["of paper-2018 with a Q of fewer bits", changed(972, 0x7f, PAPER_IMAGE)],
    ["that says it has no identity, but has one", changed(961, 0)],
    ["with a flag that nobody knows", changed(961, 3)],
    ["that says it has an identity, but has none", changed(961, 1, { ...IMAGE, identitySeed: new Uint8Array(32) })],
  ];

  test.each(FORMATS)("%s", (_, bytes) => {
    expect(() => decodeTrsmImage(resealed(bytes))).toThrow(expect.objectContaining({ code: "ERR_TRSM_IMAGE_FORMAT" }));
  });

  test("by its writer when a part has another size", () => {
    for (const part of ["block", "identitySeed", "rootPin"] as const) {
      const wrong = { ...IMAGE, [part]: systemRandom(IMAGE[part].length - 1) };
      expect(() => encodeTrsmImage(wrong)).toThrow(RangeError);
    }
    for (const wrong of [
      { ...PAPER_IMAGE, block: systemRandom(959) },
      { ...PAPER_IMAGE, prime: PRIME.slice(1) },
      { ...PAPER_IMAGE, prime: new Uint8Array(48) },
      { ...PAPER_IMAGE, generator: 1 },
      { ...PAPER_IMAGE, generator: 256 },
      { ...PAPER_IMAGE, blockIndex: 2 ** 32 },
      { ...IMAGE, blockIndex: -1 },
    ]) {
      expect(() => encodeTrsmImage(wrong)).toThrow(RangeError);
    }
  });
});
