/** The HTTP server: what every request goes through before its route, and how refusals leave. */
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { ENVELOPE_BYTES_MAX } from "@pericard/protocol";
import type { TlsConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import { sendProblem } from "./problem-reply.ts";
import { refusalOf } from "./refusals.ts";
import { tlsOptions } from "./tls.ts";

/** Slowest upload: the largest envelope at 0.6 Mbit/s. */
const REQUEST_TIMEOUT_MS = 300_000;

/** Where and how much is logged. */
export interface LogSettings {
  readonly level: string;
  /** Standard output when not given. */
  readonly stream?: { write(line: string): void };
}

/** An HTTP server without routes. It logs no request by itself: addresses may carry what logs must not. */
export function createHttpServer(log: LogSettings, tls: TlsConfig | undefined): FastifyInstance {
  const server = Fastify({
    ...(tls ? { https: tlsOptions(tls) } : {}),
    logger: log.stream ? { level: log.level, stream: log.stream } : { level: log.level },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: ENVELOPE_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    return503OnClosing: false,
    exposeHeadRoutes: false,
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    "application/cose",
    { parseAs: "buffer" },
    async (_request: unknown, body: Buffer) => body,
  );
  server.setNotFoundHandler(() => {
    throw new GatewayError("ERR_PATH_UNKNOWN", "nothing is served here");
  });
  server.setErrorHandler(async (error, request, reply) => {
    const refusal = refusalOf(error);
    logRefusal(request.log, refusal.problem.status, refusal.problem.code, error);
    return sendProblem(reply.headers(refusal.headers), refusal.problem);
  });
  return server;
}

function logRefusal(log: FastifyBaseLogger, status: number, code: string, error: unknown): void {
  if (status === 500) log.error({ code, err: error }, "request failed");
  else if (status === 503) log.warn({ code, status }, "request was refused for now");
  else log.info({ code, status }, "request was refused");
}
