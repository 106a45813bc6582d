/** Gateways over several upstreams and over each other, between real sockets and real disks. */
import { describe, expect, test } from "vitest";
import { UPSTREAM_HEADER, type RoutingId } from "@pericard/protocol";
import type { FailoverTimes, GatewayOverrides, RunningGateway } from "@pericard/gateway";
import { makeEnvelope, makeMail, makeStatus, routingOf } from "./support/messages.ts";
import { mailOf, post, runGateway, runUpstream, settingsFor, TOKEN, until, UPSTREAM_TOKEN } from "./support/running.ts";
import { hex } from "./support/spools.ts";
import { hang, refuseWith, takeWith, type UpstreamServer } from "./support/upstream-server.ts";

const QUICK: GatewayOverrides & { readonly times: FailoverTimes } = {
  times: { failingMs: 200, cutOffMs: 300, returnMs: 500, returnMsMax: 2000, probeMs: 50 },
};

function arrivedAt(servers: readonly UpstreamServer[], routing: RoutingId): readonly string[] {
  return servers.flatMap(({ received }) =>
    received.filter((one) => one.routing === routing).map(({ bytes }) => hex(bytes)),
  );
}

async function runOver(urls: readonly string[], overrides: GatewayOverrides = QUICK): Promise<RunningGateway> {
  const upstreams = urls.map((url) => ({ url, token: UPSTREAM_TOKEN, timeoutMs: 5000 }));
  return runGateway(settingsFor("http://unused.example", { upstreams }), overrides);
}

/** A gateway whose clients are gateways and terminals, each with the token that the other side sends. */
async function runRouter(upstreamUrl: string): Promise<RunningGateway> {
  const clients = [
    { name: "gateway", token: UPSTREAM_TOKEN },
    { name: "terminal", token: TOKEN },
  ];
  return runGateway(settingsFor(upstreamUrl, { clients }), QUICK);
}

describe("two upstreams", () => {
  test("the second is used while the first is away, and the first again; the order of each terminal is kept", async () => {
    const [first, second] = [await runUpstream(), await runUpstream()];
    const gateway = await runOver([first.url, second.url]);
    const sent: string[] = [];
    const send = async (): Promise<void> => {
      const message = makeEnvelope(1);
      sent.push(hex(message));
      expect((await post(gateway.url, message)).status).toBe(202);
    };
    for (let i = 0; i < 3; i += 1) await send();
    await until("the first has them", () => first.received.length === 3);
    await first.close();
    for (let i = 0; i < 5; i += 1) await send();
    await until("the second has the others", () => gateway.stats().spoolItems === 0);
    expect(gateway.stats()).toMatchObject({ upstreamIndex: 1, upstream: "reachable" });
    const again = await runUpstream(first.port);
    await until("the first is used again", () => gateway.stats().upstreamIndex === 0);
    for (let i = 0; i < 2; i += 1) await send();
    await until("all arrived", () => gateway.stats().spoolItems === 0);
    expect([first.received.length, second.received.length, again.received.length]).toEqual([3, 5, 2]);
    expect(arrivedAt([first, second, again], routingOf(1))).toEqual(sent);
  });

  test.each([
    ["hangs", hang],
    ["has no room, and asks for five minutes", refuseWith(503, "ERR_BUFFER_FULL", { "retry-after": "300" })],
    ["fails", refuseWith(502, "ERR_X")],
    ["does not know the gateway", refuseWith(401, "ERR_CLIENT_UNKNOWN")],
  ])("the second is used when the first %s", async (_, answer) => {
    const [first, second] = [await runUpstream(), await runUpstream()];
    first.answer = answer;
    first.health = answer === hang ? () => undefined : undefined;
    const gateway = await runOver([first.url, second.url]);
    await post(gateway.url, makeEnvelope(1));
    await until("the second has it", () => gateway.stats().spoolItems === 0);
    expect([second.received.length, gateway.stats().upstreamIndex]).toEqual([1, 1]);
  });

  test("a poll and its mail go by the one in use", async () => {
    const [first, second] = [await runUpstream(), await runUpstream()];
    await first.close();
    const gateway = await runOver([first.url, second.url]);
    expect((await post(gateway.url, makeStatus(1))).headers.get(UPSTREAM_HEADER)).toBe("unreachable");
    await until("the second is used", () => gateway.stats().upstreamIndex === 1);
    second.answer = takeWith([makeMail("command")]);
    const answer = await post(gateway.url, makeStatus(1, 2));
    expect([answer.headers.get(UPSTREAM_HEADER), await mailOf(answer)]).toEqual([null, ["command"]]);
  });

  test("one of two gateways that is cut off from the server is passed over", async () => {
    const [gone, server] = [await runUpstream(), await runUpstream()];
    await gone.close();
    const [cutOff, open] = [await runRouter(gone.url), await runRouter(server.url)];
    const gateway = await runOver([cutOff.url, open.url]);
    await post(gateway.url, makeEnvelope(1));
    await until("the other one is used", () => gateway.stats().upstreamIndex === 1);
    const message = makeEnvelope(1);
    await post(gateway.url, message);
    await until("it arrived", () => server.received.length === 1);
    expect(server.received.map(({ bytes }) => hex(bytes))).toEqual([hex(message)]);
    expect(cutOff.stats().spoolItems).toBe(1);
  });
});

describe("gateways over gateways, three deep", () => {
  test("messages go up in order, and mail comes down, for uploads and for polls that wait", async () => {
    const server = await runUpstream();
    const top = await runRouter(server.url);
    const middle = await runRouter(top.url);
    const bottom = await runRouter(middle.url);
    server.answer = (request, response) =>
      takeWith(request.type === "pericard/envelope" ? [makeMail(`receipt ${server.received.length}`)] : [])(
        request,
        response,
      );
    const sent: string[] = [];
    for (let i = 0; i < 20; i += 1) {
      const message = makeEnvelope(i % 2);
      sent.push(hex(message));
      expect((await post(bottom.url, message)).status).toBe(202);
    }
    await until("all arrived", () => server.received.length === 20);
    for (const terminal of [0, 1]) {
      expect(arrivedAt([server], routingOf(terminal))).toEqual(sent.filter((_, i) => i % 2 === terminal));
    }
    const startedAt = performance.now();
    server.answer = (request, response) =>
      void setTimeout(() => takeWith([makeMail("segment-length 2000")])(request, response), 300);
    const seen: string[] = [];
    while (!seen.includes("segment-length 2000")) {
      seen.push(
        ...(await mailOf(await post(bottom.url, makeStatus(0, seen.length + 1), { query: "?waitSeconds=10" }))),
      );
    }
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(seen.filter((text) => text.startsWith("receipt")).length).toBeGreaterThan(0);
    for (const gateway of [top, middle, bottom])
      expect(gateway.stats()).toMatchObject({ spoolItems: 0, upstream: "reachable" });
  });

  test("a message comes through within a bound while a backlog is carried", async () => {
    const server = await runUpstream();
    server.answer = (request, response) => void setTimeout(() => takeWith([])(request, response), 10);
    const bottom = await runRouter((await runRouter((await runRouter(server.url)).url)).url);
    for (let i = 0; i < 300; i += 1) await post(bottom.url, makeEnvelope(100 + (i % 30)));
    const live = makeEnvelope(1);
    const startedAt = performance.now();
    await post(bottom.url, live);
    await until("it arrived", () => server.received.some(({ bytes }) => hex(bytes) === hex(live)));
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  test("while the top is cut off every one below says so, and all arrives once when it is back", async () => {
    const server = await runUpstream();
    await server.close();
    const top = await runRouter(server.url);
    const middle = await runRouter(top.url);
    const bottom = await runRouter(middle.url);
    const messages = Array.from({ length: 12 }, (_, i) => makeEnvelope(i % 3));
    for (const message of messages) await post(bottom.url, message);
    await until("the top has all", () => top.stats().spoolItems === 12);
    await until("the top knows", () => top.stats().upstream === "unreachable");
    const last = makeEnvelope(1);
    await post(bottom.url, last);
    await until("the bottom knows", () => bottom.stats().upstream === "cut-off" || bottom.stats().spoolItems > 0);
    await post(bottom.url, last);
    await until("the bottom is told", () => bottom.stats().upstream === "cut-off");
    expect((await post(bottom.url, last)).headers.get(UPSTREAM_HEADER)).toBe("unreachable");
    const again = await runUpstream(server.port);
    await until("all arrived", () => [top, middle, bottom].every((one) => one.stats().spoolItems === 0));
    const arrived = again.received.map(({ bytes }) => hex(bytes));
    expect(new Set(arrived)).toEqual(new Set([...messages, last].map(hex)));
  });
});
