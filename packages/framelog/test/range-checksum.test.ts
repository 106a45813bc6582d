import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "@pericard/protocol";
import { RangeChecksum, shiftCrc32 } from "../src/range-checksum.ts";
import { countingFile, fileOf, pattern } from "./support/bytes.ts";

describe("the checksum of a stretch", () => {
  const bytes = pattern(70_000, 5);

  test("is the plain CRC-32 of the same bytes", () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(70_000), fc.nat(70_000), (a, b, c) => {
        const [base = 0, start = 0, end = 0] = [a, b, c].sort((x, y) => x - y);
        expect(new RangeChecksum(fileOf(bytes), base).of(start, end)).toBe(crc32(bytes.subarray(start, end)));
      }),
      { numRuns: 500 },
    );
  });

  test("reads every byte about once however many stretches are asked for", () => {
    const file = countingFile(fileOf(bytes));
    const checksum = new RangeChecksum(file, 0);
    for (let start = 0; start < 1000; start += 1) checksum.of(start, 69_000);
    expect(file.readBytes).toBeLessThan(70_000 + 1000 * 2 * 4096);
  });
});

test("shifting is what appended zeros do, apart from the conditioning", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ maxLength: 3000 }), (head, tail) => {
      expect((shiftCrc32(crc32(head), tail.length) ^ crc32(tail)) >>> 0).toBe(crc32(concatBytes(head, tail)));
    }),
  );
});
