import { expect, test } from "vitest";
import { readPatients, readRecording, readSession } from "../src/api/decode.ts";
import { recordingOf } from "./fixtures.ts";

test("a recording is read as it was sent", () => {
  const recording = recordingOf({
    predecessor: { recordingId: "r0", cause: "restart" },
    start: { unixMs: null, certainty: "unknown" },
  });
  expect(readRecording(structuredClone(recording))).toEqual(recording);
});

test("gaps are put in ascending order", () => {
  const gaps = [
    { fromFrame: 50, toFrame: 60, cause: "b" },
    { fromFrame: 10, toFrame: 20, cause: "a" },
  ];
  expect(readRecording(recordingOf({ gaps })).gaps.map(({ cause }) => cause)).toEqual(["a", "b"]);
});

const REFUSED: readonly (readonly [string, object])[] = [
  ["rate of zero", { frameRateHz: { num: 0, den: 1 } }],
  ["rate over zero", { frameRateHz: { num: 250, den: 0 } }],
  ["negative frame count", { frameCount: -1 }],
  ["state of another version", { state: "paused" }],
  ["certainty of another version", { start: { unixMs: 0, certainty: "sure" } }],
  ["start as text", { start: { unixMs: "2026", certainty: "measured" } }],
  ["lead without samples in a frame", { leads: [{ ...recordingOf().leads[0], samplesPerFrame: 0 }] }],
  ["gain as a number", { leads: [{ ...recordingOf().leads[0], gainAduPerUnit: 200 }] }],
  ["gap that ends before it starts", { gaps: [{ fromFrame: 5, toFrame: 4, cause: "x" }] }],
  ["leads that are no list", { leads: {} }],
  ["synthetic as text", { synthetic: "no" }],
  ["an unknown suite", { suite: "paper-2019" }],
  ["no suite", { suite: undefined }],
];

test.each(REFUSED)("refused: %s", (_name, change) => {
  expect(() => readRecording({ ...recordingOf(), ...change })).toThrow(
    expect.objectContaining({ code: "ERR_ANSWER_MALFORMED" }),
  );
});

test("the suite of a recording is told", () => {
  expect(readRecording({ ...recordingOf(), suite: "paper-2018" }).suite).toBe("paper-2018");
});

test("refusals name the field, never its contents", () => {
  expect(() => readSession({ account: { name: 7, role: "secret" }, expiresAtUnixMs: 1 })).toThrow(
    "name is not as the API describes it",
  );
});

test("patients without data have no time of it", () => {
  const patient = { id: "p", name: "N", recordingCount: 0, latestReceivedAtUnixMs: null, live: false };
  expect(readPatients({ patients: [patient] })).toEqual([patient]);
});
