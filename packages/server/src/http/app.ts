/** The HTTP face of the server. */
import fastifySwagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { addProblemHandlers } from "./answers.ts";
import { apiRoutes, sessionRoutes, type ApiParts } from "./routes-api.ts";
import { addMessageRoutes, type MessageParts } from "./routes-messages.ts";
import { addPageRoutes } from "./routes-pages.ts";

export interface AppParts extends ApiParts, MessageParts {
  /** Folder of the built viewer; without it the server has no pages. */
  readonly viewerPath: string | undefined;
  readonly logger: FastifyBaseLogger;
  /** What /healthz shows: states and counts, no ids of people or recordings. */
  readonly health: () => Record<string, unknown>;
}

/** Time in which a request has to have come, in milliseconds: 20 MiB over a slow line, and no more. */
const REQUEST_TIMEOUT_MS = 300_000;

const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'self'; img-src 'self' data:; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
} as const;

/** Builds the application; it listens when its caller says so. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: parts.logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
  }).withTypeProvider<TypeBoxTypeProvider>();
  const plain = app as unknown as FastifyInstance;
  app.addHook("onSend", async (_request, reply) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS))
      if (!reply.hasHeader(name)) void reply.header(name, value);
  });
  addProblemHandlers(plain);
  await app.register(fastifySwagger, {
    openapi: { openapi: "3.1.0", info: { title: "Pericard", version: "1", description: "Reading of recordings." } },
  });
  app.get("/healthz", { schema: { hide: true } }, async () => ({ status: "ok", ...parts.health() }));
  addMessageRoutes(plain, parts);
  await app.register(sessionRoutes(parts));
  await app.register(apiRoutes(parts));
  if (parts.viewerPath !== undefined) addPageRoutes(plain, parts.viewerPath, parts.sessions);
  return plain;
}
