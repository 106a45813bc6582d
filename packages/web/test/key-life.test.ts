/** What the viewer takes of a terminal's key life, and how it says it. */
import { expect, test } from "vitest";
import { readKeyLife, type KeyLife } from "../src/api/key-life.ts";
import { alarmText, changeStateText, groupedText, keyUseText } from "../src/format/key-words.ts";

const LIFE: KeyLife = {
  terminalSerial: "0000000000b7",
  next: { cycle: 0, index: 119, use: 3400 },
  seenAtUnixMs: 1_800_000_000_000,
  usedCount: 10_000,
  maximum: 936,
  version: 2,
  usesPerDay: 25.6,
  keysEndAtUnixMs: 2_100_000_000_000,
  changes: [
    {
      version: 1,
      state: "refused",
      maximum: 500,
      code: "ERR_KEY_CHANGE_LIMIT",
      begunAtUnixMs: 1,
      endedAtUnixMs: 2,
      taken: null,
    },
    {
      version: 2,
      state: "done",
      maximum: 936,
      code: null,
      begunAtUnixMs: 3,
      endedAtUnixMs: 4,
      taken: { cycle: 0, index: 0, use: 5 },
    },
  ],
  alarms: [{ atUnixMs: 5, kind: "use", detail: "d" }],
};

test("a key life is read whole", () => {
  expect(readKeyLife(structuredClone(LIFE))).toEqual(LIFE);
  const unseen = {
    ...LIFE,
    next: null,
    seenAtUnixMs: null,
    usesPerDay: null,
    keysEndAtUnixMs: null,
    changes: [],
    alarms: [],
  };
  expect(readKeyLife(unseen)).toEqual(unseen);
});

test("what does not fit is refused", () => {
  const wrong: readonly Record<string, unknown>[] = [
    { terminalSerial: 7 },
    { next: { cycle: 0, index: 120, use: 0 } },
    { next: { cycle: 0, index: 1 } },
    { maximum: 0 },
    { usesPerDay: -1 },
    { usesPerDay: "25" },
    { changes: [{ ...LIFE.changes[0], state: "lost" }] },
    { changes: {} },
    { alarms: [{ atUnixMs: "now", kind: "use", detail: "" }] },
  ];
  for (const change of wrong) {
    expect(() => readKeyLife({ ...LIFE, ...change })).toThrow(
      expect.objectContaining({ code: "ERR_ANSWER_MALFORMED" }),
    );
  }
});

test("numbers, places, states and alarms in words", () => {
  expect([0, 999, 1000, 262_980, 1_234_567.6].map(groupedText)).toEqual([
    "0",
    "999",
    "1\u202f000",
    "262\u202f980",
    "1\u202f234\u202f568",
  ]);
  expect(keyUseText({ cycle: 1, index: 119, use: 3400 })).toBe("cycle 1 key 119 use 3\u202f400");
  expect(changeStateText({ state: "done", code: null }, true)).toBe("In force");
  expect(changeStateText({ state: "done", code: null }, false)).toBe("Done");
  expect(changeStateText({ state: "refused", code: "ERR_X" }, false)).toBe("Refused by the terminal (ERR_X)");
  expect([alarmText({ kind: "repeat" }), alarmText({ kind: "new" })]).toEqual(["One use sealed two segments", "new"]);
});
