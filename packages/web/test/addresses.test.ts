import { expect, test } from "vitest";
import { Api } from "../src/api/client.ts";
import { explain } from "../src/api/problem.ts";
import { WebError, toWebError } from "../src/errors.ts";
import { parseRoute, patientPath, recordingPath, terminalPath, trendsPath, valuesPath } from "../src/router/route.ts";
import { tokenOf } from "../src/sign-in/token.ts";
import { recordingOf } from "./fixtures.ts";

test("addresses of views are read", () => {
  expect(parseRoute("/")).toEqual({ view: "patients" });
  expect(parseRoute(patientPath("a/b ü"))).toEqual({
    view: "patient",
    patientId: "a/b ü",
    page: { name: "recordings" },
  });
  const [trends = "", ofTrends = ""] = trendsPath("p1", "7d").split("?");
  expect(parseRoute(trends, ofTrends)).toMatchObject({ view: "patient", page: { name: "trends", range: "7d" } });
  expect(parseRoute(trendsPath("p1"), "range=x")).toMatchObject({ page: { name: "trends", range: "24h" } });
  const [values = "", ofValues = ""] = valuesPath("p1", "all", "8480-6,8462-4").split("?");
  expect(parseRoute(values, ofValues)).toMatchObject({ page: { name: "values", range: "all", code: "8480-6,8462-4" } });
  expect(parseRoute(valuesPath("p1"))).toMatchObject({ page: { range: "24h", code: undefined } });
  expect(parseRoute("/recordings/r1", "at=12.5")).toEqual({ view: "recording", recordingId: "r1", at: 12.5 });
  expect(parseRoute("/recordings/r1", "at=end")).toMatchObject({ at: "end" });
  expect(parseRoute(terminalPath("0000000000b7"))).toEqual({ view: "terminal", serial: "0000000000b7" });
  expect(recordingPath("r 1", "end")).toBe("/recordings/r%201?at=end");
});

test("strange addresses are unknown, strange positions ignored", () => {
  for (const path of [
    "/patients",
    "/x/y",
    "/terminals",
    "/terminals/a/b",
    "/recordings/a/b",
    "/patients/%E0%A4%A",
    "/patients/a/b",
    "/patients/a/trends/b",
  ]) {
    expect(parseRoute(path).view).toBe("unknown");
  }
  for (const at of ["", "x", "Infinity", "NaN"]) {
    expect(parseRoute("/recordings/r1", `at=${at}`)).toMatchObject({ view: "recording", at: undefined });
  }
});

test("the sign-in token is read from the fragment", () => {
  expect(tokenOf("#token=abc-_123")).toBe("abc-_123");
  for (const hash of ["", "#", "#token=", "#other=1", `#token=${"x".repeat(5000)}`]) {
    expect(tokenOf(hash)).toBeUndefined();
  }
});

function apiAnswering(status: number, body: string): { api: Api; asked: string[]; signedOut: () => number } {
  const asked: string[] = [];
  let signedOut = 0;
  const fetch = async (input: unknown): Promise<Response> => {
    asked.push(String(input));
    return new Response(body, { status });
  };
  const api = new Api({ fetch, onSignedOut: () => (signedOut += 1) });
  return { api, asked, signedOut: () => signedOut };
}

test("ids are escaped in paths and ranges are in the query", async () => {
  const { api, asked } = apiAnswering(404, "");
  const recording = recordingOf({ id: "r/1?" });
  await expect(api.samples(recording, { fromFrame: 5, toFrame: 9 })).rejects.toThrow();
  await expect(api.summary(recording, { fromFrame: 0, toFrame: 64 }, 32)).rejects.toThrow();
  expect(asked).toEqual([
    "/api/v1/recordings/r%2F1%3F/samples?fromFrame=5&toFrame=9",
    "/api/v1/recordings/r%2F1%3F/summary?fromFrame=0&toFrame=64&buckets=32",
  ]);
});

test("a problem becomes an error with the server's code", async () => {
  const problem = { type: "about:blank", title: "No", status: 403, code: "ERR_ROLE_DENIED", detail: "not assigned" };
  const { api, signedOut } = apiAnswering(403, JSON.stringify(problem));
  await expect(api.patients()).rejects.toMatchObject({
    code: "ERR_ANSWER_REFUSED",
    problemCode: "ERR_ROLE_DENIED",
    status: 403,
    message: "not assigned",
    retryable: false,
  });
  expect(signedOut()).toBe(0);
});

test("401 says that the session ended; a page of a proxy is no data", async () => {
  const ended = apiAnswering(401, "<html>");
  await expect(ended.api.session()).rejects.toMatchObject({ status: 401, problemCode: "" });
  expect(ended.signedOut()).toBe(1);
  await expect(apiAnswering(200, "<html>").api.session()).rejects.toMatchObject({ code: "ERR_ANSWER_MALFORMED" });
});

test("every error has a sentence", () => {
  const errors = [
    toWebError(new TypeError("x")),
    new WebError("ERR_ANSWER_MALFORMED", "header is not as the API describes it"),
    ...[403, 404, 418, 503].map((status) => new WebError("ERR_ANSWER_REFUSED", "why", { status })),
  ];
  expect(new Set(errors.map(explain)).size).toBe(errors.length);
});
