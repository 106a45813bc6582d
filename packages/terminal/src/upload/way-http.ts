/** A target reached by HTTP or HTTPS. */
import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import type { UploadTarget } from "@pericard/trsm";
import { httpPost } from "./http-post.ts";
import type { Way } from "./transport.ts";

/** When a connection that stands still is given up, in milliseconds. */
export const IDLE_TIMEOUT_MS = 30_000;

/** Makes the way to one target, with connections of its own that are kept open. */
export function createHttpWay({ url, token }: UploadTarget, idleTimeoutMs = IDLE_TIMEOUT_MS): Way {
  const isSecure = new URL(url).protocol === "https:";
  const agent = isSecure ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const target = { url, token, agent, idleTimeoutMs };
  return { post: (body, options) => httpPost(target, body, options), close: () => agent.destroy() };
}
