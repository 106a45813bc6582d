/** The record of what a module refused: bounded, durable, and never in the way. */
import { createMemoryFolder } from "@pericard/framelog";
import { beforeEach, expect, test } from "vitest";
import { TrsmError, type TrsmErrorCode } from "../src/errors.ts";
import { readRefusals, recordingRefusals } from "../src/refusals.ts";

const FILE = "trsm.refusals";
let folder = createMemoryFolder();
let nowUnixMs = 0;
beforeEach(() => {
  folder = createMemoryFolder();
  nowUnixMs = 1000;
});

const refusing = (code: TrsmErrorCode) => (): never => {
  throw new TrsmError(code, "refused");
};

function refuse(code: TrsmErrorCode): void {
  expect(() => recordingRefusals(folder, () => nowUnixMs, refusing(code))).toThrow(expect.objectContaining({ code }));
  nowUnixMs += 1;
}

test("work that is not refused leaves none, and gives what it gives", () => {
  expect(
    recordingRefusals(
      folder,
      () => nowUnixMs,
      () => 7,
    ),
  ).toBe(7);
  refuse("ERR_TRSM_EMPTY");
  refuse("ERR_TRSM_TPM");
  expect(folder.list()).toEqual([]);
});

test("each kind is counted, and the last sixteen keep their times", () => {
  for (let time = 0; time < 20; time += 1) refuse("ERR_TRSM_AUTHORISATION");
  refuse("ERR_TRSM_LOADED");
  refuse("ERR_TRSM_READ_OUT");
  refuse("ERR_TRSM_ROLLBACK");
  const { counts, last } = readRefusals(folder);
  expect(counts).toEqual({ load: 1, "read-out": 1, authorisation: 20, rollback: 1, record: 0 });
  expect(last.map(({ atUnixMs }) => atUnixMs)).toEqual(Array.from({ length: 16 }, (_, i) => 1007 + i));
  expect(last.slice(-3).map(({ kind }) => kind)).toEqual(["load", "read-out", "rollback"]);
  expect(folder.bytesOf(FILE).length).toBeLessThan(512);
});

test("a damaged record is told, and stays told when the next refusal is recorded", () => {
  refuse("ERR_TRSM_LOADED");
  const bytes = folder.bytesOf(FILE);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  expect(readRefusals(folder)).toEqual({
    counts: { load: 0, "read-out": 0, authorisation: 0, rollback: 0, record: 1 },
    last: [],
  });
  refuse("ERR_TRSM_READ_OUT");
  expect(readRefusals(folder)).toEqual({
    counts: { load: 0, "read-out": 1, authorisation: 0, rollback: 0, record: 1 },
    last: [{ kind: "read-out", atUnixMs: 1001 }],
  });
});

test("a time that no record holds is written as 0", () => {
  for (const wrong of [-1, 0.5, Number.NaN, 2 ** 60]) {
    nowUnixMs = wrong;
    refuse("ERR_TRSM_READ_OUT");
  }
  const { counts, last } = readRefusals(folder);
  expect([counts["read-out"], counts.record]).toEqual([4, 0]);
  expect(last.map(({ atUnixMs }) => atUnixMs)).toEqual([0, 0, 0, 0]);
});

test("an error of the program itself is not swallowed", () => {
  const broken = {
    ...folder,
    replace: () => {
      throw new TypeError("defect");
    },
  };
  expect(() => recordingRefusals(broken, () => 1, refusing("ERR_TRSM_READ_OUT"))).toThrow(TypeError);
});
