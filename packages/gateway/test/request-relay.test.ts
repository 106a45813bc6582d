import { describe, expect, test } from "vitest";
import { REQUESTS_MAX } from "../src/limits.ts";
import { readClientMessage } from "../src/message.ts";
import { mailboxKey, Mirror } from "../src/mirror.ts";
import { RequestRelay } from "../src/request-relay.ts";
import { settle } from "./support/manual-clock.ts";
import { makeFetchBack, makeMail, routingOf } from "./support/messages.ts";
import { laterAnswer, ScriptedUpstream } from "./support/scripted-upstream.ts";

const key = mailboxKey("a", routingOf(1));
const request = readClientMessage(makeFetchBack(1));

function makeRelay() {
  const mirror = new Mirror({ bytesMax: 2 ** 20, boxesMax: 10 });
  const upstream = new ScriptedUpstream();
  const relay = new RequestRelay(upstream, mirror);
  const gone = new AbortController();
  return { mirror, upstream, relay, gone, ask: () => relay.ask(request, "a", gone.signal) };
}

describe("a request for streams", () => {
  test("is one that a terminal signs", () => {
    expect(request).toMatchObject({ type: "pericard/fetch-back", routing: routingOf(1) });
  });

  test("waits for its answer, also when other mail is there", async () => {
    const { mirror, upstream, ask } = makeRelay();
    mirror.put(key, [makeMail("waiting")]);
    const end = ask();
    await settle();
    expect(upstream.open[0]?.waitSeconds).toBe(0);
    upstream.open[0]?.reply({ kind: "taken", mail: [makeMail("page")], cutOff: false });
    expect(await end).toEqual({ kind: "answered" });
    expect(mirror.take(key)).toEqual([makeMail("waiting"), makeMail("page")]);
  });

  test("is refused as upstream refuses it, and unreachable when nothing answers", async () => {
    for (const [answer, expected] of [
      [
        { kind: "refused", status: 404, code: "ERR_NOT_FOUND", title: "x" },
        { kind: "refused", code: "ERR_NOT_FOUND" },
      ],
      [laterAnswer({ reached: false }), { kind: "unreachable" }],
      [laterAnswer(), { kind: "unreachable" }],
    ] as const) {
      const { mirror, upstream, ask } = makeRelay();
      const end = ask();
      await settle();
      upstream.open[0]?.reply(answer);
      expect(await end).toMatchObject(expected);
      expect(mirror.has(key)).toBe(false);
    }
  });

  test("is broken off when its client is gone and when the gateway closes", async () => {
    for (const breakOff of [
      ({ gone }: ReturnType<typeof makeRelay>) => gone.abort(),
      ({ relay }: ReturnType<typeof makeRelay>) => relay.close(),
    ]) {
      const made = makeRelay();
      const end = made.ask();
      await settle();
      breakOff(made);
      expect(await end).toEqual({ kind: "unreachable" });
    }
  });

  test("is one of a bounded number", async () => {
    const { upstream, ask } = makeRelay();
    const ends = Array.from({ length: REQUESTS_MAX }, ask);
    await settle();
    await expect(ask()).rejects.toMatchObject({ code: "ERR_GATEWAY_BUSY" });
    while (upstream.open.length > 0) upstream.open[0]?.reply({ kind: "taken", mail: [], cutOff: false });
    await Promise.all(ends);
    const next = ask();
    await settle();
    upstream.open.at(-1)?.reply({ kind: "taken", mail: [], cutOff: false });
    expect(await next).toEqual({ kind: "answered" });
  });
});
