/** The route that terminals and gateways upload to. Source: docs/format.md §9.1. */
import {
  encodeMail,
  ENVELOPE_BYTES_MAX,
  MAIL_MEDIA_TYPE,
  UPLOAD_PATH,
  WAIT_PARAMETER,
  WAIT_SECONDS_MAX,
  utf8,
} from "@pericard/protocol";
import { equalSecrets, sha256 } from "@pericard/crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ServerError } from "../errors.ts";
import type { Ingest } from "../ingest/ingest.ts";

/** A gateway or terminal that may upload. */
export interface UploadClient {
  readonly name: string;
  readonly token: string;
}

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

/** Adds the route. Bodies are signed messages of at most 20 MiB. */
export function addMessageRoutes(app: FastifyInstance, ingest: Ingest, uploadClients: readonly UploadClient[]): void {
  const clients = uploadClients.map(({ name, token }) => ({ name, tokenHash: sha256(utf8(token)) }));
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    const bodyLimit = ENVELOPE_BYTES_MAX;
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit }, (_request, body, parsed) => parsed(null, body));
    scope.post(UPLOAD_PATH, { bodyLimit, schema: { hide: true } }, async (request, reply) => {
      requireClient(clients, request);
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
      const gone = new AbortController();
      reply.raw.on("close", () => gone.abort());
      const mail = await ingest.receive(bytes, { waitMs: waitMsOf(request), signal: gone.signal });
      return reply.type(MAIL_MEDIA_TYPE).send(Buffer.from(encodeMail(mail)));
    });
    done();
  });
}
