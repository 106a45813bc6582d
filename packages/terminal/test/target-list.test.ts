import {
  encodeMail,
  MAIL_ANSWER_BYTES_MAX,
  problem,
  SIGNED_MEDIA_TYPE,
  UPSTREAM_HEADER,
  UPSTREAM_UNREACHABLE,
} from "@pericard/protocol";
import { createHttpWay, systemClock, TargetList, TARGET_TIMES, type TargetTimes } from "@pericard/terminal";
import { describe, expect, test } from "vitest";
import { NEVER } from "./support/bench.ts";
import { startHttp, type HttpServer } from "./support/http-server.ts";
import { TestClock } from "./support/test-clock.ts";

const BODY = Uint8Array.from({ length: 1000 }, (_, i) => i & 0xff);
const TIMES: TargetTimes = { ...TARGET_TIMES, restMs: 1000 };
const clock = new TestClock();

const answer =
  (status: number, body: Uint8Array | string = "", headers: Record<string, string> = {}): HttpServer["handle"] =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

function connect(servers: readonly HttpServer[], idleTimeoutMs = 300) {
  return new TargetList(
    servers.map(({ url }, index) => ({ url, token: `token-${index}` })),
    (target) => createHttpWay(target, { idleTimeoutMs }),
    clock,
    TIMES,
  );
}

describe("one request", () => {
  test("posts the body where it belongs, with its token", async () => {
    const mail = encodeMail([Uint8Array.of(1, 2)]);
    const server = await startHttp(answer(200, mail));
    const transport = connect([server]);
    expect(await transport.post(BODY, { signal: NEVER })).toEqual({
      status: 200,
      mail,
      problemCode: null,
      retryAfterMs: null,
      cutOff: false,
      target: server.url,
    });
    const [request] = server.requests;
    expect(request).toMatchObject({ url: "/v1/messages", body: BODY });
    expect(request?.headers).toMatchObject({
      authorization: "Bearer token-0",
      "content-type": SIGNED_MEDIA_TYPE,
      "content-length": "1000",
    });
    expect(transport).toMatchObject({ sentBytes: 1000, target: server.url });
    transport.close();
  });

  test("asks for an answer that waits, and keeps the connection", async () => {
    const server = await startHttp(answer(202));
    const transport = connect([server]);
    expect(await transport.post(BODY, { waitSeconds: 25, signal: NEVER })).toMatchObject({ status: 202, mail: null });
    await transport.post(BODY, { signal: NEVER });
    expect(server.requests[0]?.url).toBe("/v1/messages?waitSeconds=25");
    expect(server.requests[1]?.headers.connection).toBe("keep-alive");
    transport.close();
  });

  test("a path in the target's address is kept", async () => {
    const server = await startHttp(answer(202));
    const transport = new TargetList(
      [{ url: `${server.url}/gateway/`, token: "t" }],
      (target) => createHttpWay(target, {}),
      clock,
    );
    await transport.post(BODY, { signal: NEVER });
    expect(server.requests[0]?.url).toBe("/gateway/v1/messages");
    transport.close();
  });

  test("a refusal gives its code and how long to wait", async () => {
    const refusal = JSON.stringify(problem(429, "ERR_QUOTA", "quota is used up"));
    const server = await startHttp(answer(429, refusal, { "retry-after": "17" }));
    const transport = connect([server]);
    expect(await transport.post(BODY, { signal: NEVER })).toEqual({
      status: 429,
      mail: null,
      problemCode: "ERR_QUOTA",
      retryAfterMs: 17_000,
      cutOff: false,
      target: server.url,
    });
    transport.close();
  });

  test.each(["<html>", "", '{"code":7}', '{"code":"no code"}', "null"])("a refusal of %j has no code", async (text) => {
    const transport = connect([await startHttp(answer(400, text, { "retry-after": "tomorrow" }))]);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ problemCode: null, retryAfterMs: null });
    transport.close();
  });

  test("a redirect is no delivery, and the token goes nowhere else", async () => {
    const elsewhere = await startHttp(answer(200));
    const transport = connect([await startHttp(answer(302, "", { location: `${elsewhere.url}/v1/messages` }))]);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 302, mail: null });
    expect(elsewhere.requests).toHaveLength(0);
    transport.close();
  });
});

describe("failures", () => {
  test("an answer that is too long is given up", async () => {
    const server = await startHttp(answer(200, new Uint8Array(MAIL_ANSWER_BYTES_MAX + 1)));
    const transport = connect([server]);
    await expect(transport.post(BODY, { signal: NEVER })).rejects.toMatchObject({ code: "ERR_UPLOAD_ANSWER" });
    transport.close();
  });

  test("a target that stands still is given up", async () => {
    const transport = connect([await startHttp(() => undefined)]);
    await expect(transport.post(BODY, { signal: NEVER })).rejects.toMatchObject({ code: "ERR_UPLOAD_UNREACHABLE" });
    expect(transport.target).toBeNull();
    transport.close();
  });

  test("an answer that waits is not given up before", async () => {
    const server = await startHttp(async (_request, response) => {
      await new Promise((resolve) => setTimeout(resolve, 600));
      response.end();
    });
    const transport = connect([server]);
    expect(await transport.post(BODY, { waitSeconds: 1, signal: NEVER })).toMatchObject({ status: 200 });
    transport.close();
  });

  test("a target that is not there is unreachable, and a signal ends a request", async () => {
    const server = await startHttp(() => undefined);
    const stop = new AbortController();
    const transport = connect([server], 20_000);
    const posting = transport.post(BODY, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(posting).rejects.toMatchObject({ code: "ERR_UPLOAD_UNREACHABLE" });
    await server.close();
    await expect(transport.post(BODY, { signal: NEVER })).rejects.toMatchObject({ code: "ERR_UPLOAD_UNREACHABLE" });
    transport.close();
  });

  test("without a target there is no transport", () => {
    expect(() => new TargetList([], (target) => createHttpWay(target, {}), clock)).toThrow(
      expect.objectContaining({ code: "ERR_UPLOAD_NO_TARGET" }),
    );
  });
});

describe("several targets", () => {
  test("the first that answers is used, and the preferred one again after its rest", async () => {
    const [first, second] = [await startHttp(answer(200)), await startHttp(answer(202))];
    const transport = connect([first, second]);
    await first.close();
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 202 });
    expect(transport.target).toBe(second.url);
    await first.reopen();
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 202 });
    await clock.advance(1001);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 200 });
    expect(transport.target).toBe(first.url);
    expect(second.requests[0]?.headers.authorization).toBe("Bearer token-1");
    transport.close();
  });

  test("one that is overloaded is left alone for as long as it asks", async () => {
    const [first, second] = [await startHttp(answer(503, "", { "retry-after": "30" })), await startHttp(answer(200))];
    const transport = connect([first, second]);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 200 });
    await clock.advance(29_000);
    await transport.post(BODY, { signal: NEVER });
    expect(first.requests).toHaveLength(1);
    await clock.advance(2000);
    await transport.post(BODY, { signal: NEVER });
    expect(first.requests).toHaveLength(2);
    transport.close();
  });

  test("when all rest all are asked, and the first refusal is given", async () => {
    const [first, second] = [await startHttp(answer(503)), await startHttp(answer(502))];
    const transport = connect([first, second]);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 503 });
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 503 });
    expect([first.requests.length, second.requests.length]).toEqual([2, 2]);
    transport.close();
  });

  test("a refusal of the message is not asked of the next", async () => {
    const [first, second] = [await startHttp(answer(400)), await startHttp(answer(200))];
    const transport = connect([first, second]);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ status: 400 });
    expect(second.requests).toHaveLength(0);
    transport.close();
  });
});

const CUT_OFF = { [UPSTREAM_HEADER]: UPSTREAM_UNREACHABLE };

describe("targets that take and bring nothing", () => {
  test("one that is cut off is passed over for one that is not, and asked again after a minute, then two", async () => {
    const [first, second] = [await startHttp(answer(202, "", CUT_OFF)), await startHttp(answer(202))];
    const transport = connect([first, second]);
    const counts = (): readonly number[] => [first.requests.length, second.requests.length];
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ cutOff: false, target: second.url });
    expect(counts()).toEqual([1, 1]);
    await transport.post(BODY, { signal: NEVER });
    expect(counts()).toEqual([1, 2]);
    await clock.advance(60_001);
    await transport.post(BODY, { signal: NEVER });
    expect(counts()).toEqual([2, 3]);
    await clock.advance(60_001);
    await transport.post(BODY, { signal: NEVER });
    expect(counts()).toEqual([2, 4]);
    first.handle = answer(202);
    await clock.advance(60_001);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ target: first.url });
    expect(counts()).toEqual([3, 4]);
    transport.close();
  });

  test("where all are cut off a message waits in each once, and later ones in the first alone", async () => {
    const [first, second] = [await startHttp(answer(202, "", CUT_OFF)), await startHttp(answer(202, "", CUT_OFF))];
    const transport = connect([first, second]);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ cutOff: true, target: first.url });
    for (let i = 0; i < 5; i += 1) await transport.post(BODY, { signal: NEVER });
    expect([first.requests.length, second.requests.length]).toEqual([6, 1]);
    transport.close();
  });

  test("one that was cut off is quiet when it has brought nothing since, and after an hour in any case", async () => {
    const first = await startHttp(answer(202, "", CUT_OFF));
    const transport = connect([first]);
    expect(transport.quietSinceMs(first.url)).toBeLessThanOrEqual(clock.monotonicMs());
    await transport.post(BODY, { signal: NEVER });
    expect(transport.quietSinceMs(first.url)).toBe(Number.POSITIVE_INFINITY);
    first.handle = answer(202);
    await transport.post(BODY, { signal: NEVER });
    const openedAtMs = clock.monotonicMs();
    expect(transport.quietSinceMs(first.url)).toBe(openedAtMs);
    await clock.advance(1_800_000);
    transport.heard(first.url);
    expect(transport.quietSinceMs(first.url)).toBe(openedAtMs + 1_800_000);
    await clock.advance(3_600_000);
    transport.heard(first.url);
    expect(transport.quietSinceMs(first.url)).toBe(openedAtMs + 3_600_000);
    transport.close();
  });

  test("mail of one that is cut off is not lost to another's answer", async () => {
    const mail = encodeMail([Uint8Array.of(1)]);
    const [first, second] = [await startHttp(answer(202, mail, CUT_OFF)), await startHttp(answer(202))];
    const transport = connect([first, second]);
    expect(await transport.post(BODY, { signal: NEVER })).toMatchObject({ mail, target: first.url });
    transport.close();
  });

  test("one that is doubted is asked last, unless it was heard of since", async () => {
    const [first, second] = [await startHttp(answer(202)), await startHttp(answer(202))];
    const transport = connect([first, second]);
    const takenAtMs = clock.monotonicMs();
    await clock.advance(30_000);
    transport.heard(first.url);
    transport.doubt(first.url, takenAtMs);
    expect(transport.preferred).toBe(first.url);
    await clock.advance(30_000);
    transport.doubt(first.url, clock.monotonicMs() - 10_000);
    expect(transport.preferred, "it was not asked since").toBe(first.url);
    await transport.post(BODY, { signal: NEVER });
    transport.doubt(first.url, clock.monotonicMs() - 10_000);
    expect([transport.preferred, (await transport.post(BODY, { signal: NEVER })).target]).toEqual([
      second.url,
      second.url,
    ]);
    await second.close();
    expect((await transport.post(BODY, { signal: NEVER })).target).toBe(first.url);
    transport.heard(first.url);
    await second.reopen();
    await clock.advance(1001);
    expect(transport.preferred).toBe(first.url);
    transport.close();
  });
});

test("the system's clock sleeps until its time or its signal", async () => {
  const before = systemClock.monotonicMs();
  await systemClock.sleep(15, NEVER);
  expect(systemClock.monotonicMs() - before).toBeGreaterThanOrEqual(13);
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  await sleeping;
  await systemClock.sleep(60_000, stop.signal);
  expect(Number.isInteger(systemClock.zoneOffsetMinutes(systemClock.unixMs()))).toBe(true);
});
