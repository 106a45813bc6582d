/**
 * The operator's face of the server: HTTP over a Unix socket in the data folder, for commands that need the server while it
 * runs. Whoever can open the socket is the operator: its mode is 0600, so that is the server's own user and root.
 *
 * Source: docs/operating/volumes.md; docs/format.md §9.5.
 */
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyRequest } from "fastify";
import { chmodSync, renameSync, rmSync } from "node:fs";
import type { Audit } from "../access/audit.ts";
import { codeOf, ServerError } from "../errors.ts";
import { operatorSocketPath } from "../operator-socket.ts";
import { addProblemHandlers } from "./answers.ts";
import { erasureRoutes, type ErasureRouteParts } from "./operator-erasures.ts";
import { spaceRoutes, type SpaceRouteParts } from "./operator-space.ts";
import { volumeRoutes, type VolumeRouteParts } from "./operator-volumes.ts";

/** Bytes of a socket's path that Linux takes (sockaddr_un less its zero byte). */
const SOCKET_PATH_BYTES_MAX = 107;
/** A body names a few things; none is data. */
const BODY_BYTES_MAX = 64 * 1024;

export interface OperatorParts extends VolumeRouteParts, ErasureRouteParts, SpaceRouteParts {
  readonly audit: Audit;
  readonly logger: FastifyBaseLogger;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the audit trail calls this route; every route but GET has one. */
    readonly action?: string;
    /** Whom or what the audit trail names; the last part of the path when not given. */
    readonly subject?: (request: FastifyRequest) => string;
  }
}

function subjectOf(request: FastifyRequest): string {
  const { subject } = request.routeOptions.config;
  const parameters = Object.values((request.params ?? {}) as Record<string, string>);
  return subject ? subject(request) : (parameters.at(-1) ?? "installation");
}

/** Writes down what is about to be done, and what was refused. A route that changes something and has no name is a defect. */
function auditActions(app: FastifyInstance, audit: Audit): void {
  app.addHook("onRoute", ({ method, url, config }) => {
    const reads = [method].flat().every((one) => one === "GET" || one === "HEAD");
    if (!reads && config?.action === undefined) throw new TypeError(`route ${url} names no action for the audit trail`);
  });
  app.addHook("preHandler", async (request) => {
    const { action } = request.routeOptions.config;
    if (action === undefined) return;
    await audit.record({ actor: "operator", action, subject: subjectOf(request), outcome: "allowed" });
  });
  app.addHook("onError", async (request, _reply, error) => {
    const { action } = request.routeOptions.config;
    if (action === undefined) return;
    const refused = `${action}: ${codeOf(error) ?? "ERR_INTERNAL"}`;
    await audit
      .record({ actor: "operator", action: refused, subject: subjectOf(request), outcome: "denied" })
      .catch((err: unknown) => app.log.error({ err }, "a refusal could not be audited"));
  });
}

/** Builds the application. Routes are plugins by subject; each takes its own parts. */
export async function buildOperatorApp(parts: OperatorParts): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: parts.logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    bodyLimit: BODY_BYTES_MAX,
  }).withTypeProvider<TypeBoxTypeProvider>();
  const plain = app as unknown as FastifyInstance;
  addProblemHandlers(plain);
  auditActions(plain, parts.audit);
  await app.register(volumeRoutes(parts));
  await app.register(erasureRoutes(parts));
  await app.register(spaceRoutes(parts));
  return plain;
}

/**
 * Listens in a data folder, whose lock the caller holds: a socket that is there is a killed server's and is replaced.
 *
 * @returns ends it.
 * @throws {ServerError} ERR_SERVER_CONFIG when the folder's path is too long for a socket.
 */
export async function listenForOperator(app: FastifyInstance, dataPath: string): Promise<() => Promise<void>> {
  const path = operatorSocketPath(dataPath);
  const fresh = `${path}.new`;
  if (Buffer.byteLength(fresh) > SOCKET_PATH_BYTES_MAX) {
    throw new ServerError("ERR_SERVER_CONFIG", `path of the data folder is too long for a socket: ${fresh}`);
  }
  rmSync(fresh, { force: true });
  await app.listen({ path: fresh });
  // Its place is taken with the right mode at once, and never without.
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
  return async () => {
    rmSync(path, { force: true });
    await app.close();
  };
}
