/** What clients are told: every refusal with its status, its code and its form, over real sockets. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { ENVELOPE_BYTES_MAX, SIGNED_MEDIA_TYPE, UPLOAD_PATH } from "@pericard/protocol";
import { createMemoryFolder } from "@pericard/framelog";
import { makeEnvelope, makeGap, makeMail, makeMisroutedEnvelope, makeReceipt, makeStatus } from "./support/messages.ts";
import {
  expectRefusal,
  mailOf,
  OTHER_TOKEN,
  post,
  runGateway,
  runUpstream,
  settingsFor,
  TOKEN,
  until,
} from "./support/running.ts";
import { hang, takeWith } from "./support/upstream-server.ts";

describe("a client without a known token", () => {
  const cases: readonly [string, Record<string, string>][] = [
    ["no token", {}],
    ["a wrong token", { authorization: `Bearer ${TOKEN}x` }],
    ["a shortened token", { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ["an empty token", { authorization: "Bearer " }],
    ["another scheme", { authorization: `Basic ${TOKEN}` }],
    ["a token in the address alone", {}],
  ];

  test.each(cases)("with %s is refused before its body is read", async (_, headers) => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    const response = await fetch(`${gateway.url}${UPLOAD_PATH}?token=${TOKEN}`, {
      method: "POST",
      headers: { "content-type": SIGNED_MEDIA_TYPE, ...headers },
      body: new Uint8Array(makeEnvelope(1)),
    });
    await expectRefusal(response, 401, "ERR_CLIENT_UNKNOWN");
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(gateway.stats().spoolItems).toBe(0);
  });
});

describe("a message is refused", () => {
  const envelope = makeEnvelope(1);
  const cases: readonly [string, Uint8Array, string][] = [
    ["empty", new Uint8Array(0), "ERR_COSE_STRUCTURE"],
    ["not COSE", new TextEncoder().encode("hello"), "ERR_COSE_STRUCTURE"],
    ["cut", envelope.subarray(0, -1), "ERR_CBOR_MALFORMED"],
    ["longer than itself", new Uint8Array([...envelope, 0]), "ERR_CBOR_MALFORMED"],
    ["the server's", makeReceipt(), "ERR_TYPE_MISMATCH"],
    ["signed under another routing id", makeMisroutedEnvelope(), "ERR_ROUTING_MISMATCH"],
  ];

  test.each(cases)("when it is %s", async (_, message, code) => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    await expectRefusal(await post(gateway.url, message), 400, code);
    expect(gateway.stats().spoolItems).toBe(0);
  });

  test("when its body is larger than any message", async () => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    await expectRefusal(await post(gateway.url, new Uint8Array(ENVELOPE_BYTES_MAX + 1)), 413, "ERR_BODY_TOO_LARGE");
  });

  test("when it says that its body is larger than all memory", async () => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": SIGNED_MEDIA_TYPE, "content-length": 2 ** 40 };
    const one = request(`${gateway.url}${UPLOAD_PATH}`, { method: "POST", headers });
    one.on("error", () => undefined);
    one.flushHeaders();
    const [response] = (await once(one, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    one.destroy();
  });

  test("when its body grows larger than any message without having said so", async () => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    const piece = new Uint8Array(1024 * 1024);
    let leftCount = 30;
    const body = new ReadableStream({
      pull: (controller) => ((leftCount -= 1) > 0 ? controller.enqueue(piece) : controller.close()),
    });
    const sent = fetch(`${gateway.url}${UPLOAD_PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": SIGNED_MEDIA_TYPE },
      body,
      duplex: "half",
    } as RequestInit);
    // The connection is closed while the client still sends; whether it reads the answer first is chance.
    const response = await sent.catch(() => undefined);
    if (response) await expectRefusal(response, 413, "ERR_BODY_TOO_LARGE");
    expect(gateway.stats().spoolItems).toBe(0);
    expect((await post(gateway.url, makeEnvelope(1))).status).toBe(202);
  });

  test.each(["application/json", "text/plain", "application/x-www-form-urlencoded"])(
    "when its type is %s",
    async (mediaType) => {
      const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
      const response = await fetch(`${gateway.url}${UPLOAD_PATH}`, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": mediaType },
        body: "{}",
      });
      await expectRefusal(response, 415, "ERR_MEDIA_TYPE");
    },
  );

  test("when it has no body and no type", async () => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    const response = await fetch(`${gateway.url}${UPLOAD_PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    await expectRefusal(response, 415, "ERR_MEDIA_TYPE");
  });

  test.each(["-1", "31", "1.5", "abc", "", "1&waitSeconds=2"])("when it wants to wait %s seconds", async (wait) => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    const response = await post(gateway.url, makeStatus(1), { query: `?waitSeconds=${wait}` });
    await expectRefusal(response, 400, "ERR_WAIT_RANGE");
  });
});

test.each([
  ["GET", UPLOAD_PATH],
  ["PUT", UPLOAD_PATH],
  ["POST", "/v1/other"],
  ["GET", "/"],
])("%s %s is not served", async (method, path) => {
  const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
  await expectRefusal(await fetch(`${gateway.url}${path}`, { method }), 404, "ERR_PATH_UNKNOWN");
});

describe("no room", () => {
  const limit = 64 * 1024;

  test("in the spool is 503, stores nothing, and ends when the upstream takes what waits", async () => {
    const upstream = await runUpstream();
    upstream.answer = hang;
    const gateway = await runGateway(settingsFor(upstream.url, { spoolBytesMax: limit }));
    const accepted: Uint8Array[] = [];
    for (let i = 0; i < 200; i += 1) {
      const message = makeEnvelope(i % 5, 4000);
      const response = await post(gateway.url, message);
      if (response.status === 503) {
        await expectRefusal(response, 503, "ERR_SPOOL_FULL");
        expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
        break;
      }
      expect(response.status).toBe(202);
      accepted.push(message);
    }
    expect(accepted.length).toBeGreaterThan(10);
    expect(gateway.stats()).toMatchObject({ spoolItems: accepted.length, spoolLimitBytes: limit });
    expect(gateway.stats().spoolBytes).toBeLessThanOrEqual(limit);
    // What waits already takes no room.
    expect((await post(gateway.url, accepted[7] ?? new Uint8Array(0))).status).toBe(202);
    await upstream.close();
    const again = await runUpstream(upstream.port);
    await until("the spool is empty", () => gateway.stats().spoolItems === 0);
    expect((await post(gateway.url, makeEnvelope(1, 4000))).status).toBe(202);
    const arrived = new Set(again.received.map(({ bytes }) => Buffer.from(bytes).toString("hex")));
    for (const message of accepted) expect(arrived).toContain(Buffer.from(message).toString("hex"));
  });

  test("for one client is 503 for this client alone", async () => {
    const clients = [
      { name: "first", token: TOKEN, spoolBytesMax: 4000 },
      { name: "other", token: OTHER_TOKEN },
    ];
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9", { clients }));
    for (let i = 0; i < 2; i += 1) expect((await post(gateway.url, makeEnvelope(1, 1200))).status).toBe(202);
    const refused = await post(gateway.url, makeEnvelope(1, 1200));
    await expectRefusal(refused, 503, "ERR_CLIENT_QUOTA");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await post(gateway.url, makeEnvelope(1), { token: OTHER_TOKEN })).status).toBe(202);
  });

  test.each([
    ["ENOSPC", "ERR_SPOOL_DISK_FULL"],
    ["EIO", "ERR_SPOOL_DISK"],
  ])("on a disk that says %s is 503 %s, until it takes bytes again", async (errno, code) => {
    const folder = createMemoryFolder();
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"), { folder });
    expect((await post(gateway.url, makeEnvelope(1))).status).toBe(202);
    folder.failWith(() => Object.assign(new Error("disk"), { code: errno }));
    const refused = await post(gateway.url, makeEnvelope(2));
    await expectRefusal(refused, 503, code);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    await expectRefusal(await post(gateway.url, makeEnvelope(2)), 503, code);
    expect(gateway.stats().spoolItems).toBe(1);
    folder.failWith(undefined);
    for (let i = 0; i < 50 && gateway.stats().spoolItems === 1; i += 1) {
      await post(gateway.url, makeEnvelope(2));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(gateway.stats().spoolItems).toBe(2);
  });

  test("in memory for more bodies at once is 503 ERR_GATEWAY_BUSY, and ends when clients go", async () => {
    const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
    const open = Array.from({ length: 12 }, () => {
      const headers = { authorization: `Bearer ${TOKEN}`, "content-type": SIGNED_MEDIA_TYPE };
      const one = request(`${gateway.url}${UPLOAD_PATH}`, {
        method: "POST",
        headers: { ...headers, "content-length": ENVELOPE_BYTES_MAX },
      });
      one.on("error", () => undefined);
      one.write(new Uint8Array(10));
      return one;
    });
    let busy = await post(gateway.url, new Uint8Array(ENVELOPE_BYTES_MAX));
    for (let i = 0; i < 100 && busy.status !== 503; i += 1)
      busy = await post(gateway.url, new Uint8Array(ENVELOPE_BYTES_MAX));
    await expectRefusal(busy, 503, "ERR_GATEWAY_BUSY");
    for (const one of open) one.destroy();
    let freed = await post(gateway.url, new Uint8Array(ENVELOPE_BYTES_MAX));
    for (let i = 0; i < 100 && freed.status === 503; i += 1)
      freed = await post(gateway.url, new Uint8Array(ENVELOPE_BYTES_MAX));
    await expectRefusal(freed, 400, "ERR_COSE_STRUCTURE");
  });
});

describe("an upload", () => {
  test("is answered 202 with the mail that waits for its terminal and its client, once", async () => {
    const upstream = await runUpstream();
    upstream.answer = takeWith([makeMail("receipt 1"), makeMail("command 2")]);
    const gateway = await runGateway(settingsFor(upstream.url));
    const first = await post(gateway.url, makeEnvelope(1));
    expect(first.status).toBe(202);
    expect(await mailOf(first)).toEqual([]);
    await until("it was forwarded", () => gateway.stats().spoolItems === 0);
    upstream.answer = hang;
    expect(await mailOf(await post(gateway.url, makeEnvelope(2)))).toEqual([]);
    expect(await mailOf(await post(gateway.url, makeEnvelope(1), { token: OTHER_TOKEN }))).toEqual([]);
    expect(await mailOf(await post(gateway.url, makeGap(1, 5)))).toEqual(["receipt 1", "command 2"]);
    expect(await mailOf(await post(gateway.url, makeGap(1, 6)))).toEqual([]);
  });
});

test("health needs no token and tells numbers alone", async () => {
  const gateway = await runGateway(settingsFor("http://127.0.0.1:9"));
  const empty = (await (await fetch(`${gateway.url}/healthz`)).json()) as object;
  expect(empty).toEqual({
    status: "ok",
    spoolItems: 0,
    spoolBytes: 0,
    spoolDiskBytes: 0,
    spoolLimitBytes: 2 * 1024 ** 3,
    intakeBytesPerDay: null,
    daysLeft: null,
    upstream: "untried",
    upstreamIndex: 0,
    upstreamSinceUnixMs: expect.any(Number) as number,
    oldestSpooledAtUnixMs: null,
    refusedCount: 0,
    damagedCount: 0,
  });
  const before = Date.now();
  await post(gateway.url, makeEnvelope(1));
  await until("the upstream was tried", () => gateway.stats().upstream === "unreachable");
  const waiting = gateway.stats();
  expect(waiting.spoolItems).toBe(1);
  expect(waiting.spoolBytes).toBeGreaterThan(500);
  expect(waiting.oldestSpooledAtUnixMs).toBeGreaterThanOrEqual(before);
  expect(JSON.stringify(waiting)).not.toContain(TOKEN);
});

test("logs hold no token, no address query and no message", async () => {
  let lines = "";
  const upstream = await runUpstream();
  const log = { level: "trace", stream: { write: (line: string) => void (lines += line) } };
  const gateway = await runGateway(settingsFor(upstream.url), { log });
  const message = makeEnvelope(1);
  await post(gateway.url, message, { query: `?secret=${TOKEN}` });
  await post(gateway.url, message, { token: "some-unknown-token-here", query: `?secret=${TOKEN}` });
  await fetch(`${gateway.url}/nothing?secret=${TOKEN}`);
  await post(gateway.url, new Uint8Array(10));
  await gateway.close();
  expect(lines).toContain("ERR_CLIENT_UNKNOWN");
  for (const secret of [TOKEN, "some-unknown-token-here", "token-of-this-gateway", "secret"]) {
    expect(lines).not.toContain(secret);
  }
  expect(lines).not.toContain(Buffer.from(message).toString("base64").slice(40, 60));
});
