/** The network adapter against real sockets. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { MAIL_ANSWER_BYTES_MAX, SIGNED_MEDIA_TYPE } from "@pericard/protocol";
import type { Clock, Upstream } from "@pericard/gateway";
import { createHttpUpstream } from "../src/upstream-http.ts";
import { makeEnvelope, makeMail, makeStatus } from "./support/messages.ts";
import { later, runUpstream, until, UPSTREAM_TOKEN } from "./support/running.ts";
import { hang, reset, takeWith } from "./support/upstream-server.ts";

const clock: Clock = {
  unixMs: () => 0,
  monotonicMs: () => 0,
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

function upstreamAt(url: string, timeoutMs = 5000): Upstream {
  const upstream = createHttpUpstream(
    { url, token: UPSTREAM_TOKEN, timeoutMs, ca: undefined, cert: undefined, key: undefined },
    clock,
  );
  later(() => upstream.close());
  return upstream;
}

const never = new AbortController().signal;
const once = { waitSeconds: 0, signal: never };

test("a message is posted as it is, with the gateway's own token", async () => {
  const server = await runUpstream();
  server.answer = takeWith([makeMail("receipt")]);
  const message = makeEnvelope(1, 100_000);
  const answer = await upstreamAt(server.url).send(message, once);
  expect(answer).toEqual({ kind: "taken", mail: [makeMail("receipt")], cutOff: false });
  expect(server.received).toMatchObject([
    { url: "/v1/messages", authorization: `Bearer ${UPSTREAM_TOKEN}`, contentType: SIGNED_MEDIA_TYPE },
  ]);
  expect(server.received[0]?.bytes).toEqual(message);
});

test.each([
  ["", 0, "/v1/messages"],
  ["/", 0, "/v1/messages"],
  ["/pericard", 0, "/pericard/v1/messages"],
  ["/pericard/", 30, "/pericard/v1/messages?waitSeconds=30"],
])("an address that ends with '%s' and a wait of %i become %s", async (path, waitSeconds, url) => {
  const server = await runUpstream();
  await upstreamAt(server.url + path).send(makeStatus(1), { waitSeconds, signal: never });
  expect(server.received[0]?.url).toBe(url);
});

describe("what fails is an answer and never an exception", () => {
  test("nothing listens", async () => {
    const server = await runUpstream();
    await server.close();
    expect(await upstreamAt(server.url).send(makeEnvelope(1), once)).toEqual({
      kind: "later",
      reason: "ECONNREFUSED",
      concerns: "upstream",
      reached: false,
      retryAfterMs: 0,
    });
  });

  test("the name is not known", async () => {
    const answer = await upstreamAt("http://nothing.invalid").send(makeEnvelope(1), once);
    expect(answer).toMatchObject({ kind: "later", reached: false });
  });

  test("the connection is cut before the answer, and in the middle of it", async () => {
    const server = await runUpstream();
    const upstream = upstreamAt(server.url);
    server.answer = reset;
    expect(await upstream.send(makeEnvelope(1), once)).toMatchObject({ reason: "ECONNRESET", reached: false });
    server.answer = (_, response) => {
      response.writeHead(200, { "content-type": "application/cbor", "content-length": 100 }).write("x");
      setTimeout(() => response.destroy(), 20);
    };
    expect(await upstream.send(makeEnvelope(1), once)).toMatchObject({ reason: "ECONNRESET", reached: false });
  });

  test("no answer comes in time, and the request is broken off", async () => {
    const server = await runUpstream();
    server.answer = hang;
    const answer = await upstreamAt(server.url, 100).send(makeEnvelope(1), once);
    expect(answer).toMatchObject({ kind: "later", reason: "timeout", reached: false });
    await until("the server noticed", () => server.abortedCount === 1);
  });

  test("a status has its waiting time on top", async () => {
    const server = await runUpstream();
    server.answer = (request, response) => void setTimeout(() => takeWith([])(request, response), 400);
    const upstream = upstreamAt(server.url, 100);
    expect(await upstream.send(makeStatus(1), { waitSeconds: 1, signal: never })).toEqual({
      kind: "taken",
      mail: [],
      cutOff: false,
    });
  });

  test("the answer never ends", async () => {
    const server = await runUpstream();
    server.answer = (_, response) => {
      response.writeHead(200, { "content-type": "application/cbor" });
      const piece = new Uint8Array(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.on("drain", more);
      more();
    };
    const answer = await upstreamAt(server.url).send(makeEnvelope(1), once);
    expect(answer).toMatchObject({ kind: "later", reason: "answer" });
    expect(MAIL_ANSWER_BYTES_MAX).toBe(1024 * 1024);
  });

  test("what listens does not speak HTTP", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("SSH-2.0-OpenSSH_9.9\r\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    later(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const answer = await upstreamAt(`http://127.0.0.1:${port}`).send(makeEnvelope(1), once);
    expect(answer).toMatchObject({ kind: "later", reached: false });
  });

  test("the caller breaks it off, before or while it runs", async () => {
    const server = await runUpstream();
    server.answer = hang;
    const upstream = upstreamAt(server.url);
    const controller = new AbortController();
    const sent = upstream.send(makeStatus(1), { waitSeconds: 30, signal: controller.signal });
    await until("it arrived", () => server.received.length === 1);
    controller.abort();
    expect(await sent).toMatchObject({ reason: "aborted", reached: false });
    await until("the server noticed", () => server.abortedCount === 1);
    expect(await upstream.send(makeStatus(1), { waitSeconds: 0, signal: controller.signal })).toMatchObject({
      reason: "aborted",
    });
    expect(server.received).toHaveLength(1);
  });
});
