/** Gateways and their surroundings, put away after each test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { decodeMail, SIGNED_MEDIA_TYPE, UPLOAD_PATH, type Problem } from "@pericard/protocol";
import { startGateway, type GatewayOverrides, type GatewaySettings, type RunningGateway } from "@pericard/gateway";
import { startUpstream, type UpstreamServer } from "./upstream-server.ts";

const cleanups: (() => Promise<void> | void)[] = [];

/** Upstreams go first, so that no gateway waits for one that hangs. */
const upstreams: UpstreamServer[] = [];

afterEach(async () => {
  await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()));
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Has something put away after the test, last first. */
export function later(cleanup: () => Promise<void> | void): void {
  cleanups.push(cleanup);
}

/** An empty folder. */
export function makeFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "pericard-gateway-"));
  later(() => rmSync(path, { recursive: true }));
  return path;
}

/** A server upstream. */
export async function runUpstream(port = 0): Promise<UpstreamServer> {
  const upstream = await startUpstream(port);
  upstreams.push(upstream);
  return upstream;
}

export const TOKEN = "token-of-the-first-client";
export const OTHER_TOKEN = "token-of-the-other-client";
export const UPSTREAM_TOKEN = "token-of-this-gateway-upstream";

/** Settings with two clients and everything else as short as tests want it. */
export function settingsFor(upstreamUrl: string, changes: Partial<GatewaySettings> = {}): GatewaySettings {
  return {
    host: "127.0.0.1",
    port: 0,
    folderPath: changes.folderPath ?? join(makeFolder(), "spool"),
    clients: [
      { name: "first", token: TOKEN },
      { name: "other", token: OTHER_TOKEN },
    ],
    upstreams: [{ url: upstreamUrl, token: UPSTREAM_TOKEN, timeoutMs: 5000 }],
    ...changes,
  };
}

/** A gateway that says nothing and does not dither. */
export async function runGateway(settings: GatewaySettings, overrides: GatewayOverrides = {}): Promise<RunningGateway> {
  const gateway = await startGateway(settings, { log: { level: "silent" }, jitter: () => 0, ...overrides });
  later(() => gateway.close());
  return gateway;
}

/** How a message is posted. */
export interface PostOptions {
  readonly token?: string;
  readonly query?: string;
  readonly signal?: AbortSignal;
}

/** Posts a message as a terminal does. */
export async function post(url: string, message: Uint8Array, options: PostOptions = {}): Promise<Response> {
  return fetch(`${url}${UPLOAD_PATH}${options.query ?? ""}`, {
    method: "POST",
    headers: { authorization: `Bearer ${options.token ?? TOKEN}`, "content-type": SIGNED_MEDIA_TYPE },
    body: new Uint8Array(message),
    ...(options.signal ? { signal: options.signal } : {}),
  });
}

/** The mail of an answer, as texts. */
export async function mailOf(response: Response): Promise<readonly string[]> {
  expect(response.headers.get("content-type")).toBe("application/cbor");
  return decodeMail(await response.bytes()).map((message) => new TextDecoder().decode(message));
}

/** Checks that an answer is a refusal as RFC 9457 has it. */
export async function expectRefusal(response: Response, status: number, code: string): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as Problem;
  expect(body).toMatchObject({ type: `urn:pericard:error:${code}`, status, code });
  expect(response.status).toBe(status);
  return body;
}

/** Waits until a condition holds, ten seconds at most. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`timed out waiting until ${what}`);
}
