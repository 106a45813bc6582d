import { describe, expect, test } from "vitest";
import { readClientMessage } from "../src/message.ts";
import { mailboxKey, Mirror } from "../src/mirror.ts";
import { StatusRelay, type PollEnd } from "../src/status-relay.ts";
import { createManualClock, settle } from "./support/manual-clock.ts";
import { makeMail, makeStatus, routingOf } from "./support/messages.ts";
import { laterAnswer, ScriptedUpstream, TAKEN } from "./support/scripted-upstream.ts";

const key = mailboxKey("a", routingOf(1));

function makeRelay() {
  const clock = createManualClock();
  const mirror = new Mirror({ bytesMax: 2 ** 20, boxesMax: 10 });
  const upstream = new ScriptedUpstream();
  const relay = new StatusRelay(upstream, mirror, clock);
  const poll = (waitSeconds: number, terminal = 1, client = "a") => {
    const gone = new AbortController();
    const state: { end?: PollEnd } = {};
    const status = readClientMessage(makeStatus(terminal));
    const done = relay.poll(status, client, { waitSeconds, gone: gone.signal }).then((end) => {
      state.end = end;
    });
    return { gone, state, done };
  };
  return { clock, mirror, upstream, relay, poll };
}

const ANSWERED = { kind: "answered" };

describe("a poll that does not wait", () => {
  test.each([
    ["an empty answer", TAKEN, ANSWERED],
    ["mail", { kind: "taken", mail: [makeMail("x")], cutOff: false }, ANSWERED],
    ["no answer", laterAnswer({ reached: false }), { kind: "unreachable" }],
    ["a failing server", laterAnswer(), { kind: "unreachable" }],
    ["a refusal", { kind: "refused", status: 403, code: "ERR_X", title: "x" }, { kind: "refused", code: "ERR_X" }],
  ] as const)("ends with %s", async (_, answer, expected) => {
    const { upstream, poll } = makeRelay();
    const { state } = poll(0);
    await settle();
    expect(state.end).toBeUndefined();
    expect(upstream.open[0]?.waitSeconds).toBe(0);
    upstream.open[0]?.reply(answer);
    await settle();
    expect(state.end).toMatchObject(expected);
  });
});

describe("a poll that waits", () => {
  test("passes its waiting time on and ends with the upstream's mail", async () => {
    const { upstream, mirror, poll, clock } = makeRelay();
    const { state } = poll(30);
    await settle();
    expect(upstream.open[0]?.waitSeconds).toBe(30);
    upstream.open[0]?.reply({ kind: "taken", mail: [makeMail("x")], cutOff: false });
    await settle();
    expect(state.end).toEqual(ANSWERED);
    expect(mirror.take(key)).toEqual([makeMail("x")]);
    expect(clock.timerCount, "nothing is left behind").toBe(0);
  });

  test("ends with mail that an upload's answer brought; its own request goes on", async () => {
    const { upstream, mirror, poll } = makeRelay();
    const { state } = poll(30);
    mirror.put(mailboxKey("b", routingOf(1)), [makeMail("another client's")]);
    mirror.put(mailboxKey("a", routingOf(2)), [makeMail("another terminal's")]);
    await settle();
    expect(state.end).toBeUndefined();
    mirror.put(key, [makeMail("receipt")]);
    await settle();
    expect(state.end).toEqual(ANSWERED);
    expect(upstream.open).toHaveLength(1);
    expect(upstream.open[0]?.signal.aborted).toBe(false);
  });

  test("waits on when the upstream answers early without mail, until its time is over", async () => {
    const { upstream, poll, clock } = makeRelay();
    const { state } = poll(10);
    clock.advance(4000);
    upstream.open[0]?.reply(TAKEN);
    await settle();
    clock.advance(5999);
    await settle();
    expect(state.end).toBeUndefined();
    clock.advance(1);
    await settle();
    expect(state.end).toEqual(ANSWERED);
    expect(clock.timerCount).toBe(0);
  });

  test("ends a second after its time when the upstream says nothing", async () => {
    const { poll, clock } = makeRelay();
    const { state } = poll(10);
    clock.advance(10_999);
    await settle();
    expect(state.end).toBeUndefined();
    clock.advance(1);
    await settle();
    expect(state.end).toEqual(ANSWERED);
  });

  test("ends at once when the upstream cannot be reached", async () => {
    const { upstream, poll, clock } = makeRelay();
    const { state } = poll(30);
    upstream.open[0]?.reply(laterAnswer({ reached: false }));
    await settle();
    expect(state.end).toEqual({ kind: "unreachable" });
    expect(clock.timerCount).toBe(0);
  });

  test("is broken off, upstream too, when the client goes", async () => {
    const { upstream, poll, clock } = makeRelay();
    const { gone, state } = poll(30);
    const signal = upstream.open[0]?.signal;
    gone.abort();
    await settle();
    expect(state.end).toEqual(ANSWERED);
    expect(signal?.aborted).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  test("makes room for the same terminal's next poll, and for nobody else's", async () => {
    const { upstream, poll } = makeRelay();
    const first = poll(30);
    const other = poll(30, 2);
    const otherClient = poll(30, 1, "b");
    const second = poll(30);
    await settle();
    expect([first, other, otherClient, second].map(({ state }) => state.end)).toEqual([
      ANSWERED,
      undefined,
      undefined,
      undefined,
    ]);
    expect(upstream.open).toHaveLength(3);
  });
});

test("mail that is there goes out at once, and the status still goes upstream", async () => {
  const { upstream, mirror, poll } = makeRelay();
  mirror.put(key, [makeMail("x")]);
  const { state } = poll(30);
  await settle();
  expect(state.end).toEqual(ANSWERED);
  expect(upstream.open[0]).toMatchObject({ waitSeconds: 0 });
  mirror.take(key);
  upstream.open[0]?.reply({ kind: "taken", mail: [makeMail("y")], cutOff: false });
  await settle();
  expect(mirror.take(key)).toEqual([makeMail("y")]);
});

test("closing ends every wait", async () => {
  const { upstream, relay, poll } = makeRelay();
  const polls = [poll(30), poll(0, 2)];
  relay.close();
  await settle();
  expect(polls.map(({ state }) => state.end)).toEqual([ANSWERED, ANSWERED]);
  expect(upstream.open).toHaveLength(0);
});

test("more than 4096 statuses on their way are refused, but a terminal may always repeat its own", async () => {
  const { relay, poll } = makeRelay();
  for (let terminal = 1; terminal <= 4096; terminal += 1) void poll(30, terminal);
  const one = readClientMessage(makeStatus(9999));
  const wait = { waitSeconds: 0, gone: new AbortController().signal };
  await expect(relay.poll(one, "a", wait)).rejects.toMatchObject({ code: "ERR_GATEWAY_BUSY", retryable: true });
  const { state } = poll(0, 7);
  await settle();
  expect(state.end).toBeUndefined();
});
