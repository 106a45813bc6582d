import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, FRAME_CONTENT_BYTES_MAX } from "@pericard/protocol";
import { decodeFrame, encodeFrame, FRAME_OVERHEAD_BYTES_MAX, frameBytesFor, FrameError } from "@pericard/framelog";
import { frameBytes, pattern } from "./support/bytes.ts";

const anyFrame = fc.record({
  kind: fc.integer({ min: 0, max: 23 }),
  number: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.maxSafeNat()),
  content: fc.uint8Array({ maxLength: 700 }),
});

describe("a frame", () => {
  test("comes back as it was written, whatever follows it", () => {
    fc.assert(
      fc.property(anyFrame, fc.uint8Array({ maxLength: 40 }), (frame, rest) => {
        const bytes = frameBytes(frame);
        const found = decodeFrame(concatBytes(bytes, rest));
        expect(found).toEqual({ state: "frame", frame, sizeBytes: bytes.length });
        expect(bytes.length).toBeLessThanOrEqual(frameBytesFor(frame.content.length));
      }),
    );
  });

  test("is one CBOR item as docs/format.md says, byte for byte", () => {
    const bytes = frameBytes({ kind: 1, number: 300, content: Uint8Array.of(0xaa, 0xbb) });
    expect(Buffer.from(bytes.subarray(0, 12)).toString("hex")).toBe("d9d9f7840119012c42aabb44");
    expect(bytes.length).toBe(16);
  });

  test.each([0, 1, 23, 24, 255, 256, 65_535, 65_536])("takes a content of %i bytes", (sizeBytes) => {
    const frame = { kind: 2, number: 2 ** 40, content: pattern(sizeBytes, 1) };
    expect(decodeFrame(frameBytes(frame))).toMatchObject({ state: "frame", frame });
  });

  test("does not copy its content when it is written", () => {
    const content = pattern(100, 1);
    expect(encodeFrame({ kind: 1, number: 0, content })[1]).toBe(content);
  });

  test("takes the largest content and refuses one byte more", () => {
    const content = new Uint8Array(FRAME_CONTENT_BYTES_MAX);
    const parts = encodeFrame({ kind: 1, number: Number.MAX_SAFE_INTEGER, content });
    expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(FRAME_CONTENT_BYTES_MAX + FRAME_OVERHEAD_BYTES_MAX);
    const tooLarge = { kind: 1, number: 0, content: new Uint8Array(FRAME_CONTENT_BYTES_MAX + 1) };
    expect(() => encodeFrame(tooLarge)).toThrow(
      expect.objectContaining({ constructor: FrameError, code: "ERR_FRAME_TOO_LARGE" }),
    );
  });

  test.each([
    [24, 0],
    [-1, 0],
    [1.5, 0],
    [1, -1],
    [1, 2 ** 53],
  ])("refuses kind %f with number %f", (kind, number) => {
    expect(() => encodeFrame({ kind, number, content: new Uint8Array(0) })).toThrow(RangeError);
  });

  test("is cut at every truncation", () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), (frame, at) => {
        const bytes = frameBytes(frame);
        expect(decodeFrame(bytes.subarray(0, at % bytes.length))).toEqual({ state: "cut" });
      }),
    );
    const bytes = frameBytes({ kind: 1, number: 70_000, content: pattern(300, 3) });
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeFrame(bytes.subarray(0, length)), `first ${length} bytes`).toEqual({ state: "cut" });
    }
  });

  test.each([0, 5, 300])("with %i bytes of content is not one with any bit flipped", (sizeBytes) => {
    const bytes = frameBytes({ kind: 1, number: 70_000, content: pattern(sizeBytes, 3) });
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeFrame(flipped).state, `bit ${bit}`).not.toBe("frame");
    }
  });

  test("is not one with two of its bytes changed", () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, a, b, change) => {
        const bytes = frameBytes(frame);
        for (const at of new Set([a % bytes.length, b % bytes.length])) bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(decodeFrame(bytes).state).not.toBe("frame");
      }),
    );
  });
});

describe("what is no frame", () => {
  test.each([
    ["a kind that takes two bytes", "d9d9f784 1818 00 40"],
    ["a number with an indefinite length", "d9d9f784 01 1f 40"],
    ["a number beyond the safe integers", "d9d9f784 01 1b0020000000000000 40"],
    ["a content that is a text", "d9d9f784 01 00 60"],
    ["a content length in eight bytes", "d9d9f784 01 00 5b0000000000000001"],
    ["a content longer than any frame", "d9d9f784 01 00 5affffffff"],
    ["an array of three", "d9d9f783 01 00 40"],
    ["zeros", "00"],
  ])("%s is damaged however few bytes follow", (_, hex) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    expect(decodeFrame(bytes).state).toBe("damaged");
    expect(decodeFrame(concatBytes(bytes, new Uint8Array(64))).state).toBe("damaged");
  });

  test("no bytes are a cut frame", () => {
    expect(decodeFrame(new Uint8Array(0))).toEqual({ state: "cut" });
  });
});
