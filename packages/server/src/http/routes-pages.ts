/** The viewer's files. The sign-in page and what it needs are open; everything else needs a session. */
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Sessions } from "../access/sessions.ts";
import { codeOf } from "../errors.ts";
import { sessionToken } from "./session-cookie.ts";

const NOT_SIGNED_IN = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Pericard: sign in</title>
<p>Sign in first. A one-time link is made by the command <code>pericard sign-in</code>. <a href="/sign-in">Sign in</a></p></html>`;

/** Adds the pages of a built viewer. */
export function addPageRoutes(app: FastifyInstance, viewerPath: string, sessions: Sessions): void {
  const page = (name: string): string => readFileSync(join(viewerPath, name), "utf8");
  const signInPage = page("sign-in.html");
  const viewerPage = page("index.html");
  const html = "text/html; charset=utf-8";

  void app.register(fastifyStatic, {
    root: join(viewerPath, "sign-in-assets"),
    prefix: "/sign-in-assets/",
    decorateReply: false,
    schemaHide: true,
  });
  app.get("/sign-in", { schema: { hide: true } }, (_request, reply) => reply.type(html).send(signInPage));

  void app.register(async (scope) => {
    scope.addHook("onRequest", async (request, reply) => {
      const session = await sessions.require(sessionToken(request)).catch((error: unknown) => {
        if (codeOf(error) !== "ERR_SIGN_IN_NEEDED") throw error;
        return undefined;
      });
      if (!session) return reply.code(401).type(html).send(NOT_SIGNED_IN);
      return undefined;
    });
    await scope.register(fastifyStatic, {
      root: join(viewerPath, "assets"),
      prefix: "/assets/",
      decorateReply: false,
      immutable: true,
      maxAge: "30d",
      schemaHide: true,
    });
    const patient = ["/patients/:id", "/patients/:id/trends", "/patients/:id/values"];
    for (const path of ["/", ...patient, "/recordings/:id", "/terminals/:serial"]) {
      scope.get(path, { schema: { hide: true } }, (_request, reply) => reply.type(html).send(viewerPage));
    }
  });
}
