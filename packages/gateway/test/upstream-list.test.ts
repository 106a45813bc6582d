import { describe, expect, test } from "vitest";
import type { FailoverTimes, Reach } from "../src/upstream-link.ts";
import { UpstreamList } from "../src/upstream-list.ts";
import { createManualClock, settle } from "./support/manual-clock.ts";
import { makeEnvelope } from "./support/messages.ts";
import { laterAnswer, ScriptedUpstream, TAKEN } from "./support/scripted-upstream.ts";

const TIMES: FailoverTimes = {
  failingMs: 3000,
  cutOffMs: 30_000,
  returnMs: 30_000,
  returnMsMax: 600_000,
  probeMs: 5000,
};
const OPTIONS = { waitSeconds: 0, signal: new AbortController().signal };

function makeList(count: number) {
  const clock = createManualClock();
  const upstreams = Array.from({ length: count }, () => new ScriptedUpstream());
  const switches: number[] = [];
  const list = new UpstreamList({ upstreams, clock, times: TIMES, onSwitch: (index) => switches.push(index) });
  const setHealth = (index: number, health: Reach): void => {
    const upstream = upstreams[index];
    if (upstream) upstream.health = health;
  };
  /** Sends one message, and answers it where it arrived. */
  const exchange = async (answer = TAKEN): Promise<number> => {
    const sending = list.send(makeEnvelope(1), OPTIONS);
    const at = upstreams.findIndex(({ open }) => open.length > 0);
    upstreams[at]?.open[0]?.reply(answer);
    await sending;
    return at;
  };
  const advance = async (byMs: number): Promise<void> => {
    for (let leftMs = byMs; leftMs > 0; leftMs -= 1000) {
      clock.advance(Math.min(1000, leftMs));
      await settle();
    }
  };
  return { clock, upstreams, switches, list, setHealth, exchange, advance };
}

const DOWN = laterAnswer({ reason: "ECONNREFUSED", reached: false });
const FULL = laterAnswer({ retryAfterMs: 300_000 });

describe("a list of upstreams", () => {
  test("stays with the first for a hiccup, and leaves it when it fails for three seconds", async () => {
    const { list, switches, setHealth, exchange, advance } = makeList(2);
    expect([await exchange(DOWN), await exchange(TAKEN), await exchange(DOWN)]).toEqual([0, 0, 0]);
    setHealth(0, "failing");
    await advance(2900);
    expect([list.inUse.index, list.reachability]).toEqual([0, "unreachable"]);
    await advance(100);
    expect([list.inUse.index, list.reachability, switches]).toEqual([1, "reachable", [1]]);
    expect(await exchange()).toBe(1);
  });

  test("does not wait for as long as a failing one asks", async () => {
    const { list, exchange, advance } = makeList(2);
    await exchange(FULL);
    await advance(3000);
    expect(list.inUse.index).toBe(1);
  });

  test("does not come back on a probe's word while messages fail", async () => {
    const { list, exchange, advance } = makeList(2);
    await exchange(FULL);
    await advance(1000);
    await exchange(FULL);
    await advance(2000);
    expect(list.inUse.index).toBe(1);
  });

  test("comes back when the preferred one was well for half a minute, not before", async () => {
    const { list, switches, setHealth, exchange, advance } = makeList(2);
    setHealth(0, "failing");
    await exchange(DOWN);
    await advance(60_000);
    expect(list.inUse.index).toBe(1);
    setHealth(0, "open");
    await advance(30_000);
    expect(list.inUse.index).toBe(1);
    await advance(10_000);
    expect([list.inUse.index, switches]).toEqual([0, [1, 0]]);
  });

  test("does not flap: one that fails soon after its return is left for longer each time", async () => {
    const { list, clock, setHealth, exchange, advance } = makeList(2);
    const awayMs: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await exchange(DOWN);
      setHealth(0, "failing");
      await advance(3000);
      setHealth(0, "open");
      const leftAtMs = clock.monotonicMs();
      while (list.inUse.index === 1) await advance(1000);
      awayMs.push(clock.monotonicMs() - leftAtMs);
    }
    for (const [i, fullMs] of [30_000, 60_000, 120_000, 240_000].entries()) {
      expect(awayMs[i]).toBeGreaterThanOrEqual(fullMs);
      expect(awayMs[i]).toBeLessThanOrEqual(fullMs + 10_000);
    }
  });

  test("prefers one that reaches the server to one that only takes messages in", async () => {
    const { list, setHealth, exchange, advance } = makeList(2);
    const cutOff = { ...TAKEN, cutOff: true };
    setHealth(0, "cut-off");
    await exchange(cutOff);
    expect(list.reachability).toBe("cut-off");
    await advance(20_000);
    expect(list.inUse.index).toBe(0);
    await advance(20_000);
    expect(list.inUse.index).toBe(1);
    setHealth(1, "cut-off");
    await exchange(cutOff);
    await advance(40_000);
    expect(list.inUse.index, "of two that are cut off, the preferred one").toBe(0);
  });

  test("leaves one that hangs when its probes fail, and breaks off what is on its way there", async () => {
    const { list, setHealth, advance } = makeList(2);
    const sending = list.send(makeEnvelope(1), OPTIONS);
    setHealth(0, "failing");
    await advance(10_000);
    expect(await sending).toMatchObject({ kind: "later", reached: false });
    expect(list.inUse.index).toBe(1);
  });

  test("tries all in turn when all fail, and takes the first that takes a message", async () => {
    const { list, upstreams, switches, exchange, advance } = makeList(3);
    for (const upstream of upstreams) upstream.health = "failing";
    await advance(60_000);
    const tried = new Set<number>();
    for (let i = 0; i < 6; i += 1) {
      tried.add(await exchange(DOWN));
      await advance(4000);
    }
    expect([...tried].sort()).toEqual([0, 1, 2]);
    switches.length = 0;
    while ((await exchange(list.inUse.index === 2 ? TAKEN : DOWN)) !== 2) await advance(1000);
    await advance(2000);
    expect(list.inUse.index).toBe(2);
    expect(await exchange()).toBe(2);
  });

  test("what is about one message alone changes nothing", async () => {
    const { list, exchange, advance } = makeList(2);
    await exchange(laterAnswer({ reason: "http-413", concerns: "message" }));
    await advance(3000);
    expect(list.inUse.index).toBe(0);
  });

  test("alone, one is neither probed nor left", async () => {
    const { list, clock, switches, setHealth, exchange, advance } = makeList(1);
    setHealth(0, "failing");
    await exchange(DOWN);
    await advance(60_000);
    expect([await exchange(), list.inUse.index, switches, clock.timerCount]).toEqual([0, 0, [], 0]);
  });

  test("closed, it leaves no timer behind", async () => {
    const { list, clock, exchange } = makeList(2);
    await exchange(DOWN);
    list.close();
    expect(clock.timerCount).toBe(0);
  });
});
