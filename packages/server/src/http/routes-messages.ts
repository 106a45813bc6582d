/** The route that terminals and gateways upload to. Source: docs/format.md §9.1. */
import {
  encodeMail,
  ENVELOPE_BYTES_MAX,
  MAIL_MEDIA_TYPE,
  releaseBytes,
  UPLOAD_PATH,
  WAIT_PARAMETER,
  WAIT_SECONDS_MAX,
  utf8,
} from "@pericard/protocol";
import { equalSecrets, sha256 } from "@pericard/crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { IncomingMessage } from "node:http";
import { ServerError } from "../errors.ts";
import type { Refusals } from "../access/refusals.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { problemOf } from "./problems.ts";
import { readBody } from "./read-body.ts";

/** A gateway or terminal that may upload. */
export interface UploadClient {
  readonly name: string;
  readonly token: string;
}

export interface MessageParts {
  readonly ingest: Ingest;
  readonly refusals: Refusals;
  readonly uploadClients: readonly UploadClient[];
  /** Bytes of bodies that may be in memory together. */
  readonly bufferBytesMax: number;
}

/** What a request is refused for before ingest sees a message. */
const BEFORE_INGEST: ReadonlySet<string> = new Set(["ERR_CLIENT_UNKNOWN", "ERR_BODY_TOO_LARGE"]);

/** Checks a bearer token against every client, in a time that does not tell which. */
function requireClient(clients: readonly { name: string; tokenHash: Uint8Array }[], request: FastifyRequest): void {
  const token = /^Bearer (\S{1,256})$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const hash = sha256(utf8(token));
  const known = clients.filter(({ tokenHash }) => equalSecrets(tokenHash, hash));
  if (known.length === 0) throw new ServerError("ERR_CLIENT_UNKNOWN", "token is not a client's");
}

function waitMsOf(request: FastifyRequest): number {
  const text = (request.query as Record<string, unknown>)[WAIT_PARAMETER];
  const seconds = typeof text === "string" && /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return 1000 * Math.min(seconds, WAIT_SECONDS_MAX);
}

/** Bytes that a request's body may have: what it declares, or, when it does not say, the most that is taken. */
function declaredBytes(request: FastifyRequest): number {
  const text = request.headers["content-length"] ?? "";
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), ENVELOPE_BYTES_MAX) : ENVELOPE_BYTES_MAX;
}

/** Bodies that are in memory at once. One is always taken, however large. */
class BodyRoom {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @throws {ServerError} ERR_BUFFER_FULL. */
  take(sizeBytes: number): void {
    if (this.#bytes > 0 && this.#bytes + sizeBytes > this.#bytesMax) {
      throw new ServerError("ERR_BUFFER_FULL", `bodies of ${this.#bytes} bytes are under way`);
    }
    this.#bytes += sizeBytes;
  }

  free(sizeBytes: number): void {
    this.#bytes -= sizeBytes;
  }
}

/**
 * Adds the route. Bodies are signed messages of at most 20 MiB; none is read before its client is known and the buffer
 * has room.
 */
export function addMessageRoutes(app: FastifyInstance, parts: MessageParts): void {
  const { ingest, refusals, uploadClients } = parts;
  const clients = uploadClients.map(({ name, token }) => ({ name, tokenHash: sha256(utf8(token)) }));
  const room = new BodyRoom(parts.bufferBytesMax);
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (request: FastifyRequest, body: IncomingMessage) =>
      readBody(body, Number(request.headers["content-length"]), ENVELOPE_BYTES_MAX),
    );
    scope.addHook("onRequest", async (request, reply) => {
      requireClient(clients, request);
      const sizeBytes = declaredBytes(request);
      room.take(sizeBytes);
      reply.raw.once("close", () => room.free(sizeBytes));
    });
    scope.addHook("onError", async (_request, _reply, error) => {
      // What a message is refused for ingest notes itself.
      const { code } = problemOf(error);
      if (BEFORE_INGEST.has(code)) await refusals.note("upload client", `refused ${code}`);
    });
    scope.post(UPLOAD_PATH, { schema: { hide: true } }, async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      // A plain array: slices of a Buffer would share its memory.
      const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
      request.body = undefined;
      const gone = new AbortController();
      reply.raw.on("close", () => {
        if (!reply.raw.writableFinished) gone.abort();
      });
      const mail = await ingest.receive(bytes, { waitMs: waitMsOf(request), signal: gone.signal });
      releaseBytes(bytes);
      return reply.type(MAIL_MEDIA_TYPE).send(Buffer.from(encodeMail(mail)));
    });
    done();
  });
}
