import { describe, expect, test } from "vitest";
import { createMemoryFolder } from "@pericard/framelog";
import { FullnessMarks, IntakeRate } from "../src/spool-meter.ts";
import { createManualClock } from "./support/manual-clock.ts";
import { makeEnvelope } from "./support/messages.ts";
import { openSpool } from "./support/spools.ts";

const HOUR_MS = 3_600_000;

describe("the rate of what comes in", () => {
  test("is not known before ten minutes, and then what was seen, as for a whole day", () => {
    const clock = createManualClock();
    const rate = new IntakeRate(clock);
    rate.add(1000, clock.unixMs());
    clock.advance(599_999);
    expect(rate.bytesPerDay()).toBeUndefined();
    clock.advance(1);
    expect(rate.bytesPerDay()).toBe(144_000);
  });

  test("is of the last day", () => {
    const clock = createManualClock();
    const rate = new IntakeRate(clock);
    for (let hour = 0; hour < 100; hour += 1) {
      rate.add(hour < 50 ? 9000 : 100, clock.unixMs());
      clock.advance(HOUR_MS);
    }
    expect(rate.bytesPerDay()).toBeGreaterThanOrEqual(2300);
    expect(rate.bytesPerDay()).toBeLessThanOrEqual(2400);
  });

  test("knows after a restart what came before, from what waits", async () => {
    const folder = createMemoryFolder();
    const clock = createManualClock();
    const before = openSpool(folder, 2 ** 30, clock);
    for (let hour = 0; hour < 48; hour += 1) {
      await before.admit(makeEnvelope(1));
      clock.advance(HOUR_MS);
    }
    const { spool } = openSpool(folder, 2 ** 30, clock);
    const perItem = spool.sizeBytes / 48;
    expect(spool.intakeBytesPerDay).toBeGreaterThan(22 * perItem);
    expect(spool.intakeBytesPerDay).toBeLessThan(26 * perItem);
  });
});

test("marks are told once, and again when the spool fell below and rose anew", () => {
  const marks = new FullnessMarks();
  const told = [0.5, 0.8, 0.82, 0.79, 0.81, 0.96, 0.99, 0.92, 0.96, 0.89, 0.96, 0.5, 0.4, 0.85];
  expect(told.map((part) => marks.see(part))).toEqual([
    undefined,
    0.8,
    undefined,
    undefined,
    undefined,
    0.95,
    undefined,
    undefined,
    undefined,
    undefined,
    0.95,
    0,
    undefined,
    0.8,
  ]);
});

test("a spool tells its marks, and is full only while what it refused would be refused again", async () => {
  const { spool, fullness, admit } = openSpool(createMemoryFolder(), 64 * 1024);
  while ((await admit(makeEnvelope(1))) === undefined);
  expect([spool.state, fullness]).toEqual(["full", [0.8, 0.95]]);
  expect(spool.diskBytes).toBeLessThanOrEqual(64 * 1024);
  for (const item of spool.items()) spool.finish(item);
  expect([spool.state, fullness]).toEqual(["ok", [0.8, 0.95, 0]]);
  expect(await admit(makeEnvelope(1))).toBeUndefined();
});
