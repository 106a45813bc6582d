import { systemRandom } from "@pericard/crypto";
import { createMemoryFolder } from "@pericard/framelog";
import { RecordingId } from "@pericard/protocol";
import { expect, test } from "vitest";
import { EMPTY_STATE, readState, writeState, type TerminalState } from "../src/state-file.ts";

const STATE: TerminalState = {
  head: {
    recording: RecordingId.fromBytes(systemRandom(16)),
    stream: 0,
    sequence: 17,
    hash: systemRandom(32),
    final: true,
    nextFrame: 90_000,
    recordedFrames: 80_000,
    sourceId: systemRandom(32),
    shapeHash: systemRandom(32),
    keyUse: { cycle: 1, index: 119, use: 262_979 },
  },
  mailSeen: 12,
};

test("is read as it was written", () => {
  const folder = createMemoryFolder();
  expect(readState(folder)).toEqual(EMPTY_STATE);
  for (const state of [EMPTY_STATE, STATE, { ...STATE, head: { ...STATE.head, sourceId: null, shapeHash: null } }]) {
    writeState(folder, state as TerminalState);
    expect(readState(folder)).toEqual(state);
  }
});

test("every changed byte and every cut is found", () => {
  const folder = createMemoryFolder();
  writeState(folder, STATE);
  const bytes = folder.read("terminal.state") ?? new Uint8Array(0);
  let cases = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    for (const changed of [bytes.with(at, (bytes[at] ?? 0) ^ 1), bytes.subarray(0, at)]) {
      const damaged = createMemoryFolder(new Map([["terminal.state", changed]]));
      expect(() => readState(damaged)).toThrow(expect.objectContaining({ code: "ERR_TERMINAL_STATE" }));
      cases += 1;
    }
  }
  expect(cases).toBe(2 * bytes.length);
});
