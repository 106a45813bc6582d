import { describe, expect, test } from "vitest";
import { encodeMail, problem } from "@pericard/protocol";
import { readAnswer, readHealth } from "../src/upstream-answer.ts";
import { makeMail } from "./support/messages.ts";

const NOW = 1_800_000_000_000;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const refusal = (status: number, code: string) => text(JSON.stringify(problem(status, code, "no such terminal")));

function answer(status: number, mediaType: string, body: Uint8Array, retryAfter?: string) {
  return readAnswer({ status, mediaType, body, retryAfter, upstream: undefined }, NOW);
}

test.each([200, 202])("%i with mail is taken", (status) => {
  const mail = [makeMail("a"), makeMail("b")];
  expect(answer(status, "application/cbor", encodeMail(mail))).toEqual({ kind: "taken", mail, cutOff: false });
});

test.each([400, 403, 404, 409, 413, 422])("%i as a problem of Pericard's is final", (status) => {
  expect(answer(status, "application/problem+json", refusal(status, "ERR_TERMINAL_UNKNOWN"))).toEqual({
    kind: "refused",
    status,
    code: "ERR_TERMINAL_UNKNOWN",
    title: "no such terminal",
  });
});

test("a refusal's title is not passed on when it is not plain", () => {
  const body = text(JSON.stringify({ code: "ERR_X", title: "line\nbreak" }));
  expect(answer(403, "application/problem+json", body)).toMatchObject({ title: "upstream refused the message" });
});

describe("everything else is for later", () => {
  const html = text("<html>");
  const cases: readonly [string, number, string, Uint8Array, string, "message" | "upstream"][] = [
    ["a captive portal's 200", 200, "text/html", html, "answer", "upstream"],
    ["what only looks like mail", 200, "text/plain", encodeMail([]), "answer", "upstream"],
    ["mail that is none", 200, "application/cbor", text("x"), "answer", "upstream"],
    ["no content", 204, "", new Uint8Array(0), "http-204", "upstream"],
    ["a redirection", 302, "text/html", html, "http-302", "upstream"],
    ["a bad token", 401, "application/problem+json", refusal(401, "ERR_CLIENT_UNKNOWN"), "http-401", "upstream"],
    ["a slow upload", 408, "application/problem+json", refusal(408, "ERR_X"), "http-408", "message"],
    ["too many requests", 429, "application/problem+json", refusal(429, "ERR_X"), "http-429", "upstream"],
    ["a quota", 429, "application/problem+json", refusal(429, "ERR_QUOTA_EXCEEDED"), "http-429", "message"],
    ["a proxy's 403", 403, "text/html", html, "http-403", "upstream"],
    ["a proxy's 413", 413, "text/html", html, "http-413", "message"],
    ["a problem without a code", 403, "application/problem+json", text('{"title":"x"}'), "http-403", "upstream"],
    ["a problem with a strange code", 403, "application/problem+json", text('{"code":"a b"}'), "http-403", "upstream"],
    ["a problem that is no JSON", 403, "application/problem+json", html, "http-403", "upstream"],
    ["a problem that is null", 403, "application/problem+json", text("null"), "http-403", "upstream"],
    ["a failure", 500, "application/problem+json", refusal(500, "ERR_INTERNAL"), "http-500", "message"],
    ["a full server", 503, "application/problem+json", refusal(503, "ERR_BUFFER_FULL"), "http-503", "upstream"],
  ];
  test.each(cases)("%s (%i)", (_, status, mediaType, body, reason, concerns) => {
    expect(answer(status, mediaType, body)).toEqual({
      kind: "later",
      reason,
      concerns,
      reached: true,
      retryAfterMs: 0,
    });
  });

  test("with the time that the upstream asked for", () => {
    expect(answer(503, "", new Uint8Array(0), "7")).toMatchObject({ retryAfterMs: 7000 });
  });
});

test("a gateway that says so is cut off", () => {
  const raw = { mediaType: "application/cbor", body: encodeMail([]), retryAfter: undefined };
  expect(readAnswer({ ...raw, status: 202, upstream: "unreachable" }, NOW)).toMatchObject({
    kind: "taken",
    cutOff: true,
  });
  expect(readAnswer({ ...raw, status: 202, upstream: "anything" }, NOW)).toMatchObject({
    kind: "taken",
    cutOff: false,
  });
});

test.each([
  [200, '{"status":"ok"}', "open"],
  [200, '{"status":"ok","upstream":"reachable"}', "open"],
  [200, '{"status":"ok","upstream":"untried"}', "open"],
  [200, '{"status":"ok","upstream":"cut-off"}', "cut-off"],
  [200, '{"status":"ok","upstream":"unreachable"}', "cut-off"],
  [200, '{"status":"full","upstream":"reachable"}', "failing"],
  [503, '{"status":"ok"}', "failing"],
  [200, "<html>sign in</html>", "failing"],
  [200, "null", "failing"],
])("a probe's answer of %i and %s says %s", (status, body, reach) => {
  const raw = { status, mediaType: "application/json", body: text(body), retryAfter: undefined, upstream: undefined };
  expect(readHealth(raw)).toBe(reach);
});
