/** Whose a recording is: the patient of its terminal at its first sample, by server time, and never by guessing. */
import type { PatientId } from "@pericard/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readerOf } from "./support/reading.ts";
import { PLAIN_SHAPE, TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import { drawBoot, type TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let first: PatientId;
let second: PatientId;
let patientCount = 0;

beforeAll(async () => {
  site = await new TestInstallation().start();
});
afterAll(() => site.remove());
beforeEach(() => {
  terminal = site.terminal();
  const draw = (): PatientId => {
    patientCount += 1;
    return site.store.addPatient(site.tenant.id, `patient ${patientCount}`, site.clock.unixMs).id;
  };
  [first, second] = [draw(), draw()];
});

const assign = (patient: PatientId | null): unknown =>
  site.store.assign(terminal.registered.serial, patient, site.clock.unixMs, "test");

async function ownerOf(recording: TestRecording): Promise<PatientId | null | undefined> {
  await site.post(terminal.envelope(recording.next().sealed));
  return (await site.server.context.catalog.findRecording(recording.id))?.patient;
}

/** A recording whose first sample was at a server time, as far as the server can tell. */
async function measuredAt(unixMs: number): Promise<TestRecording> {
  const bootId = drawBoot();
  const monotonicMs = 10_000_000;
  await site.post(terminal.status({ bootId, monotonicMs }));
  const boot = { bootId, monotonicMs: monotonicMs + unixMs - site.clock.unixMs };
  return new TestRecording(terminal, PLAIN_SHAPE, { boot });
}

const unmeasured = (): TestRecording =>
  new TestRecording(terminal, PLAIN_SHAPE, { claimed: { unixMs: 1, zoneOffsetMinutes: 0 } });

describe("a recording whose first sample is measured", () => {
  test("is the patient's who had the terminal then, whoever has it now", async () => {
    assign(first);
    site.pass(10_000);
    const changedAt = site.clock.unixMs;
    assign(second);
    site.pass(10_000);
    expect(await ownerOf(await measuredAt(changedAt - 1))).toBe(first);
    expect(await ownerOf(await measuredAt(changedAt))).toBe(second);
    expect(await ownerOf(await measuredAt(site.clock.unixMs))).toBe(second);
  });

  test("is nobody's, when nobody had the terminal then", async () => {
    const before = site.clock.unixMs;
    site.pass(10_000);
    assign(first);
    site.pass(10_000);
    assign(null);
    const after = site.clock.unixMs;
    site.pass(10_000);
    expect(await ownerOf(await measuredAt(before))).toBeNull();
    expect(await ownerOf(await measuredAt(after - 1))).toBe(first);
    expect(await ownerOf(await measuredAt(after))).toBeNull();
  });
});

describe("a recording whose first sample is not measured", () => {
  test("is the patient's, when the terminal was never anybody else's", async () => {
    assign(first);
    expect(await ownerOf(unmeasured())).toBe(first);
  });

  test("is nobody's, when it was", async () => {
    assign(first);
    assign(second);
    expect(await ownerOf(unmeasured())).toBeNull();
  });

  test("is nobody's, when the terminal was nobody's since", async () => {
    assign(first);
    assign(null);
    expect(await ownerOf(unmeasured())).toBeNull();
  });

  test("is nobody's, when the terminal has no patient at all", async () => {
    expect(await ownerOf(unmeasured())).toBeNull();
  });
});

test("a recording stays whose it is, although its terminal changes hands", async () => {
  assign(first);
  const recording = unmeasured();
  expect(await ownerOf(recording)).toBe(first);
  assign(second);
  expect(await ownerOf(recording)).toBe(first);
});

test("nobody's recordings are not shown to a clinician", async () => {
  const recording = unmeasured();
  expect(await ownerOf(recording)).toBeNull();
  const client = await readerOf(site);
  await expect(client.recording(recording.id)).rejects.toThrow("404 ERR_NOT_FOUND");
  await expect(client.samples(recording.id, 0, 10)).rejects.toThrow("404 ERR_NOT_FOUND");
});

const headOf = (recording: TestRecording) => ({
  recording: recording.id,
  stream: 0,
  sequence: 0,
  hash: recording.made[0]?.hash ?? new Uint8Array(32),
  final: false,
  open: true,
});

describe("a terminal that changes hands while it records", () => {
  test("is told once to end its recording, in the answer to its next status", async () => {
    assign(first);
    const recording = unmeasured();
    await ownerOf(recording);
    expect((await site.post(terminal.status({ heads: [headOf(recording)] }))).commands).toEqual([]);
    site.pass(10);
    assign(second);
    const { commands } = await site.post(terminal.status({ heads: [headOf(recording)] }));
    expect(commands).toMatchObject([{ name: "end-recording", value: 0, routing: terminal.routing }]);
    const again = await site.post(terminal.status({ heads: [headOf(recording)] }));
    expect(again.commands).toHaveLength(1);
    expect(again.commands[0]?.mailNumber).toBeGreaterThan(commands[0]?.mailNumber ?? Infinity);
    const mailSeen = again.commands[0]?.mailNumber ?? 0;
    expect((await site.post(terminal.status({ mailSeen }))).commands).toEqual([]);
  });

  test("is told also when it changed before the first segment came", async () => {
    assign(first);
    site.pass(60_000);
    const recording = await measuredAt(site.clock.unixMs);
    site.pass(30_000);
    assign(second);
    site.pass(30_000);
    expect(await ownerOf(recording)).toBe(first);
    const { commands } = await site.post(terminal.status({ heads: [headOf(recording)] }));
    expect(commands).toMatchObject([{ name: "end-recording" }]);
  });

  test("is not told when the recording is the new patient's already, or another terminal's", async () => {
    assign(first);
    site.pass(10);
    assign(second);
    const recording = await measuredAt(site.clock.unixMs);
    expect(await ownerOf(recording)).toBe(second);
    expect((await site.post(terminal.status({ heads: [headOf(recording)] }))).commands).toEqual([]);
    const { terminal: stranger } = site.terminalOf(`stranger of ${recording.id}`);
    site.pass(10);
    site.store.assign(stranger.registered.serial, null, site.clock.unixMs, "test");
    expect((await site.post(stranger.status({ heads: [headOf(recording)] }))).commands).toEqual([]);
  });

  test("is not told for ever of a recording that is nobody's because its start is not known", async () => {
    assign(first);
    assign(second);
    site.pass(10);
    const recording = unmeasured();
    expect(await ownerOf(recording)).toBeNull();
    expect((await site.post(terminal.status({ heads: [headOf(recording)] }))).commands).toEqual([]);
  });

  test("gets a command that has expired no more", async () => {
    assign(first);
    const recording = unmeasured();
    await ownerOf(recording);
    site.pass(10);
    assign(second);
    await site.post(terminal.status({ heads: [headOf(recording)] }));
    site.pass(60_000);
    expect((await site.post(terminal.status())).commands).toEqual([]);
  });
});
