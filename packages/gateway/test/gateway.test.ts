/** A whole gateway between real sockets and a real disk. */
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { encodeFrame, openDiskFolder } from "@pericard/framelog";
import { startGateway } from "@pericard/gateway";
import { UPSTREAM_HEADER } from "@pericard/protocol";
import { makeEnvelope, makeMail, makeStatus, routingOf } from "./support/messages.ts";
import {
  expectRefusal,
  later,
  mailOf,
  post,
  runGateway,
  runUpstream,
  settingsFor,
  TOKEN,
  until,
  UPSTREAM_TOKEN,
} from "./support/running.ts";
import { hex } from "./support/spools.ts";
import { hang, refuseWith, reset, speakHtml, takeWith, type Answerer } from "./support/upstream-server.ts";

describe("forwarding", () => {
  test("takes everything in while the upstream is down, and delivers it in order when it is up", async () => {
    const upstream = await runUpstream();
    await upstream.close();
    const gateway = await runGateway(settingsFor(upstream.url));
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 60; i += 1) {
      const message = makeEnvelope(i % 6);
      expect((await post(gateway.url, message)).status).toBe(202);
      sent.push(message);
    }
    expect(gateway.stats()).toMatchObject({ spoolItems: 60, upstream: "unreachable" });
    const again = await runUpstream(upstream.port);
    again.answer = (request, response) => void setTimeout(() => takeWith([])(request, response), 5);
    await until("everything arrived", () => gateway.stats().spoolItems === 0);
    expect(gateway.stats()).toMatchObject({ upstream: "reachable", oldestSpooledAtUnixMs: null, spoolBytes: 0 });
    expect(again.received).toHaveLength(60);
    for (let terminal = 0; terminal < 6; terminal += 1) {
      const arrived = again.received.filter(({ routing }) => routing === routingOf(terminal));
      expect(arrived.map(({ bytes }) => hex(bytes))).toEqual(sent.filter((_, i) => i % 6 === terminal).map(hex));
    }
    expect(again.openMax).toBeGreaterThan(1);
    expect(again.openMax).toBeLessThanOrEqual(8);
    expect(again.openMaxPerRouting).toBe(1);
    expect(again.received[0]?.authorization).toBe(`Bearer ${UPSTREAM_TOKEN}`);
  });

  const failures: readonly [string, Answerer][] = [
    ["is busy", refuseWith(503, "ERR_BUFFER_FULL", { "retry-after": "0" })],
    ["does not know the gateway", refuseWith(401, "ERR_CLIENT_UNKNOWN")],
    ["asks for fewer requests", refuseWith(429, "ERR_X")],
    ["fails", refuseWith(500, "ERR_INTERNAL")],
    ["cuts connections", reset],
    ["is a captive portal", speakHtml(200)],
    ["is behind a proxy that forbids", speakHtml(403)],
  ];
  test.each(failures)("tries again when the upstream %s", async (_, answer) => {
    const upstream = await runUpstream();
    upstream.answer = answer;
    const gateway = await runGateway(settingsFor(upstream.url));
    const message = makeEnvelope(1);
    await post(gateway.url, message);
    await until("it was tried twice", () => upstream.received.length >= 2);
    expect(gateway.stats()).toMatchObject({ spoolItems: 1, refusedCount: 0 });
    upstream.answer = takeWith([]);
    await until("it was taken", () => gateway.stats().spoolItems === 0);
    expect(upstream.received.at(-1)?.bytes).toEqual(message);
  });

  test("tries again when the upstream hangs", async () => {
    const upstream = await runUpstream();
    upstream.answer = hang;
    const settings = settingsFor(upstream.url, {
      upstreams: [{ url: upstream.url, token: UPSTREAM_TOKEN, timeoutMs: 150 }],
    });
    const gateway = await runGateway(settings);
    await post(gateway.url, makeEnvelope(1));
    await until("it was tried twice", () => upstream.received.length >= 2);
    expect(gateway.stats()).toMatchObject({ spoolItems: 1, upstream: "unreachable" });
    upstream.answer = takeWith([], 202);
    await until("it was taken", () => gateway.stats().spoolItems === 0);
  });

  test("goes past what the upstream will never take, says so in the log, and counts it", async () => {
    let lines = "";
    const upstream = await runUpstream();
    upstream.answer = (request, response) =>
      (upstream.received.length === 1 ? refuseWith(403, "ERR_TERMINAL_UNKNOWN") : takeWith([]))(request, response);
    const log = { level: "info", stream: { write: (line: string) => void (lines += line) } };
    const gateway = await runGateway(settingsFor(upstream.url), { log });
    await post(gateway.url, makeEnvelope(1));
    await post(gateway.url, makeEnvelope(1));
    await until("both are done", () => gateway.stats().spoolItems === 0);
    expect(gateway.stats().refusedCount).toBe(1);
    expect(upstream.received).toHaveLength(2);
    const line = lines.split("\n").find((one) => one.includes("ERR_TERMINAL_UNKNOWN")) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({ routing: routingOf(1), status: 403, code: "ERR_TERMINAL_UNKNOWN" });
    expect(JSON.parse(line)).toHaveProperty("sizeBytes");
  });

  test("carries the largest envelope byte for byte", async () => {
    const upstream = await runUpstream();
    const gateway = await runGateway(settingsFor(upstream.url));
    const message = makeEnvelope(1, 15 * 1024 * 1024);
    expect((await post(gateway.url, message)).status).toBe(202);
    await until("it was taken", () => gateway.stats().spoolItems === 0);
    expect(Buffer.compare(upstream.received[0]?.bytes ?? new Uint8Array(0), message)).toBe(0);
  });
});

describe("a poll", () => {
  test("waits at the upstream and brings the mail that comes", async () => {
    const upstream = await runUpstream();
    upstream.answer = (request, response) =>
      void setTimeout(() => takeWith([makeMail("command")])(request, response), 200);
    const gateway = await runGateway(settingsFor(upstream.url));
    const response = await post(gateway.url, makeStatus(1), { query: "?waitSeconds=20" });
    expect(response.status).toBe(200);
    expect(response.headers.get(UPSTREAM_HEADER)).toBeNull();
    expect(await mailOf(response)).toEqual(["command"]);
    expect(upstream.received).toMatchObject([{ type: "pericard/status", url: "/v1/messages?waitSeconds=20" }]);
    expect(gateway.stats().spoolItems).toBe(0);
  });

  test("without waiting ends with the upstream's empty answer", async () => {
    const upstream = await runUpstream();
    const gateway = await runGateway(settingsFor(upstream.url));
    const response = await post(gateway.url, makeStatus(1));
    expect([response.status, await mailOf(response)]).toEqual([200, []]);
    expect(upstream.received[0]?.url).toBe("/v1/messages");
  });

  test("ends after its waiting time when there is no mail", async () => {
    const upstream = await runUpstream();
    const gateway = await runGateway(settingsFor(upstream.url));
    const startedAt = performance.now();
    const response = await post(gateway.url, makeStatus(1), { query: "?waitSeconds=1" });
    expect([response.status, await mailOf(response)]).toEqual([200, []]);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
  });

  test("that waits is answered with the mail of an upload that is forwarded meanwhile", async () => {
    const upstream = await runUpstream();
    upstream.answer = (request, response) =>
      request.type === "pericard/status" ? undefined : takeWith([makeMail("receipt")])(request, response);
    const gateway = await runGateway(settingsFor(upstream.url));
    const polled = post(gateway.url, makeStatus(1), { query: "?waitSeconds=30" });
    await until("the poll is upstream", () => upstream.received.length === 1);
    expect(await mailOf(await post(gateway.url, makeEnvelope(1)))).toEqual([]);
    expect(await mailOf(await polled)).toEqual(["receipt"]);
  });

  test("is told when the upstream cannot be reached, and has what the mirror has", async () => {
    const upstream = await runUpstream();
    upstream.answer = takeWith([makeMail("receipt")]);
    const gateway = await runGateway(settingsFor(upstream.url));
    await post(gateway.url, makeEnvelope(1));
    await until("it was forwarded", () => gateway.stats().spoolItems === 0);
    await upstream.close();
    const first = await post(gateway.url, makeStatus(1), { query: "?waitSeconds=30" });
    expect(await mailOf(first)).toEqual(["receipt"]);
    const second = await post(gateway.url, makeStatus(1), { query: "?waitSeconds=30" });
    expect([second.status, second.headers.get(UPSTREAM_HEADER)]).toEqual([200, "unreachable"]);
    expect(await mailOf(second)).toEqual([]);
  });

  test("of a terminal that the upstream refuses is refused", async () => {
    const upstream = await runUpstream();
    upstream.answer = refuseWith(403, "ERR_TERMINAL_UNKNOWN");
    const gateway = await runGateway(settingsFor(upstream.url));
    await expectRefusal(await post(gateway.url, makeStatus(1)), 403, "ERR_TERMINAL_UNKNOWN");
  });

  test("ends upstream too when the client hangs up, and the client takes no mail with it", async () => {
    const upstream = await runUpstream();
    upstream.answer = hang;
    const gateway = await runGateway(settingsFor(upstream.url));
    const controller = new AbortController();
    const options = { query: "?waitSeconds=30", signal: controller.signal };
    const polled = post(gateway.url, makeStatus(1), options).catch(() => "aborted");
    await until("the poll is upstream", () => upstream.received.length === 1);
    controller.abort();
    expect(await polled).toBe("aborted");
    await until("the upstream noticed", () => upstream.abortedCount === 1);
    expect(gateway.stats().upstream, "breaking off shows nothing").toBe("untried");
  });
});

describe("a router", () => {
  test("is a gateway whose client is a gateway: messages go up and mail comes down", async () => {
    const server = await runUpstream();
    server.answer = (request, response) => takeWith([makeMail(`for ${request.routing}`)])(request, response);
    const router = await runGateway(settingsFor(server.url));
    const upstreams = [{ url: router.url, token: TOKEN, timeoutMs: 5000 }];
    const gateway = await runGateway(settingsFor(router.url, { upstreams }));
    const message = makeEnvelope(5);
    expect((await post(gateway.url, message)).status).toBe(202);
    await until("the server has it", () => server.received.length === 1);
    expect(server.received[0]?.bytes).toEqual(message);
    await until("both are empty", () => gateway.stats().spoolItems + router.stats().spoolItems === 0);
    const response = await post(gateway.url, makeStatus(5), { query: "?waitSeconds=5" });
    expect(await mailOf(response)).toEqual([`for ${routingOf(5)}`]);
  });
});

describe("stopping", () => {
  test("answers who waits, keeps what waits, and closes twice without harm", async () => {
    const upstream = await runUpstream();
    upstream.answer = hang;
    const settings = settingsFor(upstream.url);
    const gateway = await runGateway(settings);
    const message = makeEnvelope(1);
    await post(gateway.url, message);
    const polled = post(gateway.url, makeStatus(2), { query: "?waitSeconds=30" });
    await until("both are upstream", () => upstream.received.length === 2);
    const closed = Promise.all([gateway.close(), gateway.close()]);
    expect((await polled).status).toBe(200);
    await upstream.close();
    await closed;
    await expect(post(gateway.url, makeEnvelope(1))).rejects.toThrow();
    const again = await runUpstream(upstream.port);
    const next = await runGateway(settings);
    await until("it was forwarded", () => next.stats().spoolItems === 0);
    expect(again.received.map(({ bytes }) => hex(bytes))).toEqual([hex(message)]);
  });
});

describe("a gateway does not start", () => {
  test("on a spool that another has, and leaves that one in peace", async () => {
    const settings = settingsFor("http://127.0.0.1:9");
    const first = await runGateway(settings);
    await expect(startGateway(settings)).rejects.toMatchObject({ code: "ERR_FOLDER_LOCKED" });
    expect((await post(first.url, makeEnvelope(1))).status).toBe(202);
    await first.close();
    expect((await runGateway(settings)).stats().spoolItems).toBe(1);
  });

  test("on a port that is taken, and gives its spool free", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    later(() => void server.close());
    const settings = settingsFor("http://127.0.0.1:9", { port: (server.address() as AddressInfo).port });
    const silent = { log: { level: "silent" } };
    await expect(startGateway(settings, silent)).rejects.toMatchObject({ code: "ERR_GATEWAY_LISTEN" });
    await runGateway({ ...settings, port: 0 });
  });

  test("on a folder whose files are another format's", async () => {
    const settings = settingsFor("http://127.0.0.1:9");
    const file = openDiskFolder(settings.folderPath).create("spool-00000000.cbor");
    file.append(encodeFrame({ kind: 0, number: 0, content: new Uint8Array(3) }));
    file.close();
    const silent = { log: { level: "silent" } };
    await expect(startGateway(settings, silent)).rejects.toMatchObject({ code: "ERR_LOG_FORMAT" });
    openDiskFolder(settings.folderPath).remove("spool-00000000.cbor");
    await runGateway(settings);
  });
});
