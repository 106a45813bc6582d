import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, fromHex, toHex, utf8 } from "@pericard/protocol";

describe("hexadecimal text", () => {
  it("goes both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it("is what the platform writes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
      }),
    );
  });

  it("is read in upper case too", () => {
    expect(fromHex("FFa0")).toEqual(Uint8Array.of(0xff, 0xa0));
  });

  it.each(["f", "0x", "g0", " 00", "00\n", "é"])("refuses %j", (text) => {
    expect(() => fromHex(text)).toThrow(TypeError);
  });
});

describe("byte strings", () => {
  it("are joined in order, into memory of their own", () => {
    const part = Uint8Array.of(1, 2);
    const joined = concatBytes(part, new Uint8Array(0), Uint8Array.of(3));
    part[0] = 9;
    expect(joined).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("are equal when every byte is", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(equalBytes(bytes, bytes.slice())).toBe(true);
      }),
    );
  });

  it("differ when one byte or the length does", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    for (let at = 0; at < 3; at += 1) {
      const other = bytes.slice();
      other[at] = 9;
      expect(equalBytes(bytes, other)).toBe(false);
    }
    expect(equalBytes(bytes, bytes.subarray(0, 2))).toBe(false);
    expect(equalBytes(bytes.subarray(0, 2), bytes)).toBe(false);
  });

  it("of a text are utf-8", () => {
    expect(utf8("é♥")).toEqual(Uint8Array.of(0xc3, 0xa9, 0xe2, 0x99, 0xa5));
  });
});
