/** The cookie that carries a session. */
import type { FastifyReply, FastifyRequest } from "fastify";

const NAME = "pericard_session";

/** The session token of a request, or undefined without one. */
export function sessionToken(request: FastifyRequest): string | undefined {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = part.trim().split("=");
    if (name === NAME && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)) return value;
  }
  return undefined;
}

/** Sets the cookie for a session, or ends it with a lifetime of 0. */
export function setSessionCookie(reply: FastifyReply, token: string, lifetimeMs: number): void {
  const secure = reply.request.protocol === "https" ? "; Secure" : "";
  const age = Math.floor(lifetimeMs / 1000);
  void reply.header("set-cookie", `${NAME}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${secure}`);
}
