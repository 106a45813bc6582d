import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "@pericard/protocol";
import { FRAME_START, scanFrames, type Scanned } from "@pericard/framelog";
import { countingFile, damaged, fileOf, frameBytes, pattern } from "./support/bytes.ts";

const MIB = 1024 * 1024;

function scan(bytes: Uint8Array): readonly Scanned[] {
  return [...scanFrames(fileOf(bytes))];
}

function numbersIn(entries: readonly Scanned[]): readonly number[] {
  return entries.flatMap((entry) => (entry.kind === "frame" ? [entry.frame.number] : []));
}

function frames(count: number, contentBytes: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, number) =>
    frameBytes({ kind: 1, number, content: pattern(contentBytes, number) }),
  );
}

function hidden(number: number): Uint8Array {
  return frameBytes({ kind: 2, number, content: Uint8Array.of(1) });
}

describe("a scan", () => {
  test("gives every frame and accounts for every byte, whatever lies between", () => {
    const part = fc.oneof(
      fc.record({ content: fc.uint8Array({ maxLength: 200 }) }),
      fc.record({ rubbish: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        let number = 0;
        const bytes = concatBytes(
          ...parts.map((one) =>
            "content" in one ? frameBytes({ kind: 1, number: number++, content: one.content }) : one.rubbish,
          ),
        );
        const entries = scan(bytes);
        expect(numbersIn(entries)).toEqual(Array.from({ length: number }, (_, i) => i));
        expect(
          entries.reduce((end, entry) => (entry.offsetBytes === end ? end + entry.sizeBytes : Number.NaN), 0),
        ).toBe(bytes.length);
      }),
    );
  });

  test("passes over a frame with any one byte changed and finds the next", () => {
    const [first, second, third] = frames(3, 40) as [Uint8Array, Uint8Array, Uint8Array];
    for (let at = 0; at < second.length; at += 1) {
      const changed = second.slice();
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      const entries = scan(concatBytes(first, changed, third));
      expect(entries.map((entry) => entry.kind)).toEqual(["frame", "damaged", "frame"]);
      expect(entries[1]).toMatchObject({ offsetBytes: first.length, sizeBytes: second.length });
    }
  });

  test("calls the end of a file cut when it begins like a frame, and damaged otherwise", () => {
    const [first, second] = frames(2, 40) as [Uint8Array, Uint8Array];
    for (let length = 1; length < second.length; length += 1) {
      const entries = scan(concatBytes(first, second.subarray(0, length)));
      expect(entries.map((entry) => entry.kind)).toEqual(["frame", "cut"]);
    }
    expect(scan(concatBytes(first, new Uint8Array(3))).at(-1)?.kind).toBe("damaged");
    expect(scan(concatBytes(first, damaged(second))).at(-1)?.kind).toBe("damaged");
  });

  test("finds a frame across the border of every search window", () => {
    const frame = frameBytes({ kind: 1, number: 9, content: pattern(30, 1) });
    for (const borderBytes of [4096, 12_288, 28_672]) {
      for (let shift = -6; shift <= 2; shift += 1) {
        const rubbishBytes = borderBytes + 1 + shift;
        const entries = scan(concatBytes(new Uint8Array(rubbishBytes), frame));
        expect(entries.at(-1), `${rubbishBytes} bytes before`).toMatchObject({
          kind: "frame",
          offsetBytes: rubbishBytes,
        });
      }
    }
  });

  test("takes bytes in a damaged content for a frame only when their number goes on from the last", () => {
    const content = concatBytes(hidden(0), hidden(5), hidden(2 ** 33 + 5), hidden(2 ** 52));
    const outer = frameBytes({ kind: 1, number: 6, content });
    const before = frameBytes({ kind: 1, number: 5, content: new Uint8Array(3) });
    const after = frameBytes({ kind: 1, number: 7, content: new Uint8Array(3) });
    const entries = scan(concatBytes(before, damaged(outer), after));
    expect(numbersIn(entries)).toEqual([5, 7]);
  });

  test("goes on after a header with the number that the header names", () => {
    const header = frameBytes({ kind: 0, number: 40, content: new Uint8Array(2) });
    const old = frameBytes({ kind: 1, number: 39, content: new Uint8Array(2) });
    const first = frameBytes({ kind: 1, number: 40, content: new Uint8Array(2) });
    expect(numbersIn(scan(concatBytes(header, Uint8Array.of(7), old, first)))).toEqual([40, 40]);
  });
});

describe("the work of a scan stays in proportion to the file", () => {
  const last = frameBytes({ kind: 1, number: 1, content: pattern(100, 1) });
  const first = frameBytes({ kind: 1, number: 0, content: pattern(100, 0) });

  function scanned(middle: Uint8Array): { readBytes: number; sizeBytes: number } {
    const file = countingFile(fileOf(concatBytes(first, middle, last)));
    expect(numbersIn([...scanFrames(file)])).toEqual([0, 1]);
    return { readBytes: file.readBytes, sizeBytes: file.sizeBytes };
  }

  test.each([
    ["zeros", 0x00],
    ["the byte that frames begin with", 0xd9],
    ["ones", 0xff],
  ])("over 32 MiB of %s", (_, byte) => {
    const { readBytes, sizeBytes } = scanned(new Uint8Array(32 * MIB).fill(byte));
    expect(readBytes).toBeLessThan(1.1 * sizeBytes);
  });

  test("over 4 MiB of frame beginnings", () => {
    const middle = Uint8Array.from({ length: 4 * MIB }, (_, i) => FRAME_START[i & 3] ?? 0);
    const { readBytes, sizeBytes } = scanned(middle);
    expect(readBytes).toBeLessThan(8 * sizeBytes);
  });

  test("over 1 MiB of heads that each claim half a MiB and are followed by a tail's first byte", () => {
    // 16 bytes: start, kind 1, number 1, content of 0x80001 bytes, 0x44 wherever a tail would begin.
    const head = Buffer.from("d9d9f78401015a00080001444444444444", "hex").subarray(0, 16);
    const middle = Uint8Array.from({ length: MIB }, (_, i) => head[i & 15] ?? 0);
    const startedAt = performance.now();
    const { readBytes, sizeBytes } = scanned(middle);
    // Summing each claim afresh would read 64 Ki times half a MiB, which is 32 GiB.
    expect(readBytes).toBeLessThan(1000 * sizeBytes);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  test("over 40 000 small frames of which every second one is damaged", () => {
    const small = frames(40_000, 20).map((bytes, i) => (i % 2 === 1 ? damaged(bytes) : bytes));
    const kept = small.length / 2;
    const file = countingFile(fileOf(concatBytes(...small)));
    expect(numbersIn([...scanFrames(file)])).toHaveLength(kept);
    expect(file.readBytes).toBeLessThan(200 * file.sizeBytes);
  });
});
