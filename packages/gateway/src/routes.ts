/** The two paths that a gateway serves. Source: docs/format.md §9. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  encodeMail,
  HEALTH_PATH,
  MAIL_MEDIA_TYPE,
  problem,
  UPLOAD_PATH,
  UPSTREAM_HEADER,
  UPSTREAM_UNREACHABLE,
  WAIT_PARAMETER,
  WAIT_SECONDS_MAX,
} from "@pericard/protocol";
import { bearerToken, peerName, type ClientRegistry } from "./clients.ts";
import type { ClientConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import { declaredBytes, type Intake } from "./intake.ts";
import { readClientMessage, type ClientMessage } from "./message.ts";
import { mailboxKey, type Mirror } from "./mirror.ts";
import { sendProblem } from "./problem-reply.ts";
import type { RequestRelay } from "./request-relay.ts";
import type { Spool } from "./spool.ts";
import type { GatewayStats } from "./stats.ts";
import type { PollEnd, StatusRelay } from "./status-relay.ts";

/** What the routes work with. */
export interface RouteOptions {
  readonly clients: ClientRegistry;
  readonly intake: Intake;
  readonly spool: Pick<Spool, "admit">;
  readonly mirror: Mirror;
  readonly relay: StatusRelay;
  readonly requests: RequestRelay;
  readonly stats: () => GatewayStats;
  /** Whether what is taken in can only wait here now. */
  readonly isCutOff: () => boolean;
}

const CLIENT = "pericardClient";

function readWaitSeconds(request: FastifyRequest): number {
  const value = (request.query as Readonly<Record<string, unknown>>)[WAIT_PARAMETER] ?? "0";
  const seconds = typeof value === "string" && /^\d{1,2}$/.test(value) ? Number(value) : Number.NaN;
  if (seconds <= WAIT_SECONDS_MAX) return seconds;
  throw new GatewayError("ERR_WAIT_RANGE", `${WAIT_PARAMETER} is not an integer from 0 to ${WAIT_SECONDS_MAX}`);
}

function admitRequest(clients: ClientRegistry, request: FastifyRequest): ClientConfig {
  const { headers, raw } = request;
  return clients.admit({ token: bearerToken(headers.authorization), commonName: peerName(raw.socket) });
}

/** Aborted when the client goes before it has its answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const { raw } = reply;
  raw.once("close", () => {
    if (!raw.writableFinished) controller.abort();
  });
  if (raw.closed || raw.destroyed) controller.abort();
  return controller.signal;
}

function readBody(request: FastifyRequest): ClientMessage {
  const { body } = request;
  if (!(body instanceof Uint8Array)) throw new GatewayError("ERR_MEDIA_TYPE", "request has no body");
  return readClientMessage(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
}

async function answerPoll(
  options: RouteOptions,
  client: ClientConfig,
  status: ClientMessage,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const wait = { waitSeconds: readWaitSeconds(request), gone: goneSignal(reply) };
  const end = await options.relay.poll(status, client.name, wait);
  return sendMail(options, client, status, end, wait.gone, reply);
}

/** A request that was passed on at once is answered with everything that waits, or with the refusal of upstream. */
function sendMail(
  options: RouteOptions,
  client: ClientConfig,
  { routing }: ClientMessage,
  end: PollEnd,
  gone: AbortSignal,
  reply: FastifyReply,
): FastifyReply {
  if (end.kind === "refused") return sendProblem(reply, problem(end.status, end.code, end.title));
  if (end.kind === "unreachable" || options.isCutOff()) void reply.header(UPSTREAM_HEADER, UPSTREAM_UNREACHABLE);
  // A client that is gone takes nothing with it.
  const mail = gone.aborted ? [] : options.mirror.take(mailboxKey(client.name, routing));
  return reply.code(200).type(MAIL_MEDIA_TYPE).send(encodeMail(mail));
}

async function answerFetch(
  options: RouteOptions,
  client: ClientConfig,
  message: ClientMessage,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const gone = goneSignal(reply);
  const end = await options.requests.ask(message, client.name, gone);
  return sendMail(options, client, message, end, gone, reply);
}

async function answerUpload(
  options: RouteOptions,
  client: ClientConfig,
  message: ClientMessage,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const gone = goneSignal(reply);
  await options.spool.admit(message, client);
  if (options.isCutOff()) void reply.header(UPSTREAM_HEADER, UPSTREAM_UNREACHABLE);
  const mail = gone.aborted ? [] : options.mirror.take(mailboxKey(client.name, message.routing));
  return reply.code(202).type(MAIL_MEDIA_TYPE).send(encodeMail(mail));
}

/** Puts the routes into a server. */
export function addRoutes(server: FastifyInstance, options: RouteOptions): void {
  server.get(HEALTH_PATH, async () => options.stats());
  server.decorateRequest(CLIENT);
  server.post(UPLOAD_PATH, {
    // Before the body is read: nobody unknown, and no more bytes at once than there is memory for.
    onRequest: async (request, reply) => {
      request.setDecorator<ClientConfig>(CLIENT, admitRequest(options.clients, request));
      const release = options.intake.reserve(declaredBytes(request.headers["content-length"]));
      reply.raw.once("close", release);
    },
    handler: async (request, reply) => {
      const client = request.getDecorator<ClientConfig>(CLIENT);
      const message = readBody(request);
      options.clients.requireSpeaksFor(client, message.routing);
      if (message.type === "pericard/status") return answerPoll(options, client, message, request, reply);
      if (message.type === "pericard/fetch-back") return answerFetch(options, client, message, reply);
      return answerUpload(options, client, message, reply);
    },
  });
}
