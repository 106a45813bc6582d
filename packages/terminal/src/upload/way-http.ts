/** A target reached by HTTP or HTTPS. */
import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import type { UploadTarget } from "@pericard/trsm";
import { httpPost } from "./http-post.ts";
import { IDLE_TIMEOUT_MS, type Way, type WayOptions } from "./transport.ts";

/** Makes the way to one target, with connections of its own that are kept open. */
export function createHttpWay({ url, token }: UploadTarget, { idleTimeoutMs = IDLE_TIMEOUT_MS, tls }: WayOptions): Way {
  const isSecure = new URL(url).protocol === "https:";
  const agent = isSecure ? new SecureAgent({ keepAlive: true, ...tls }) : new Agent({ keepAlive: true });
  const target = { url, token, agent, idleTimeoutMs };
  return { post: (body, options) => httpPost(target, body, options), close: () => agent.destroy() };
}
