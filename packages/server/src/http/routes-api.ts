/** The API for people: sessions, patients, recordings. Every route but signing in needs a session. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Account } from "@pericard/custody";
import { PatientId, RecordingId, releaseBytes, TerminalId } from "@pericard/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "./schema.ts";
import { SESSION_LIFETIME_MS, type Session as SignedInSession, type Sessions } from "../access/sessions.ts";
import { encodeFramedAnswer } from "../retrieval/framed-answer.ts";
import type { Library, ReadAnswer } from "../retrieval/library.ts";
import { OBSERVATIONS_PER_PAGE } from "../retrieval/observations.ts";
import type { LiveFeed } from "../retrieval/live.ts";
import { ServerError } from "../errors.ts";
import { noteYoungBytes } from "../threads/young-buffers.ts";
import { streamExtents } from "./live-stream.ts";
import {
  IdParameters,
  KeyLife,
  Observations,
  ObservationsQuery,
  Patients,
  Recording,
  Recordings,
  SamplesQuery,
  SerialParameters,
  Session,
  SummaryQuery,
  Trends,
  TrendsQuery,
} from "./schemas.ts";
import { sessionToken, setSessionCookie } from "./session-cookie.ts";

export interface ApiParts {
  readonly sessions: Sessions;
  readonly library: Library;
  readonly live: LiveFeed;
}

declare module "fastify" {
  interface FastifyRequest {
    session?: Omit<SignedInSession, "token">;
  }
}

/** The account that a request was admitted with. */
function accountOf(request: FastifyRequest): Account {
  return sessionOf(request).account;
}

/** The session that a request was admitted with. */
function sessionOf(request: FastifyRequest): Omit<SignedInSession, "token"> {
  if (!request.session) throw new ServerError("ERR_SIGN_IN_NEEDED", "sign in first");
  return request.session;
}

/** A state-changing request must come from a page of this server. */
function requireSameOrigin(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin !== undefined && URL.parse(origin)?.host !== host) {
    throw new ServerError("ERR_ROLE_DENIED", "request comes from another site");
  }
}

function sendFramed(reply: FastifyReply, { header, leads }: ReadAnswer): FastifyReply {
  const bytes = encodeFramedAnswer(header, leads);
  leads.forEach(releaseBytes);
  noteYoungBytes(bytes.length);
  return reply.type("application/octet-stream").header("cache-control", "no-store").send(Buffer.from(bytes.buffer));
}

/** Opening of a session with a one-time link: the only route without one. */
export const sessionRoutes =
  ({ sessions }: ApiParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const body = Type.Object({ token: Type.String({ maxLength: 256 }) });
    app.post("/api/v1/session", { schema: { body, response: { 200: Session } } }, async (request, reply) => {
      requireSameOrigin(request);
      const { token, account, expiresAtUnixMs } = await sessions.open(request.body.token);
      setSessionCookie(reply, token, SESSION_LIFETIME_MS);
      return { account: { name: account.name, role: account.role }, expiresAtUnixMs };
    });
  };

/** Everything that needs a session. */
export const apiRoutes =
  ({ sessions, library, live }: ApiParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook("onRequest", async (request) => {
      request.session = await sessions.require(sessionToken(request));
    });

    app.get("/api/v1/session", { schema: { response: { 200: Session } } }, async (request) => {
      const { account, expiresAtUnixMs } = sessionOf(request);
      return { account: { name: account.name, role: account.role }, expiresAtUnixMs };
    });

    app.delete("/api/v1/session", async (request, reply) => {
      requireSameOrigin(request);
      await sessions.close(sessionToken(request) ?? "");
      setSessionCookie(reply, "", 0);
      return reply.code(204).send();
    });

    app.get("/api/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());

    app.get("/api/v1/patients", { schema: { response: { 200: Patients } } }, async (request) => ({
      patients: await library.listPatients(accountOf(request)),
    }));

    app.get(
      "/api/v1/patients/:id/recordings",
      { schema: { params: IdParameters, response: { 200: Recordings } } },
      async (request) => {
        const recordings = await library.listRecordings(accountOf(request), PatientId.parse(request.params.id));
        return { recordings: [...recordings] };
      },
    );

    app.get(
      "/api/v1/patients/:id/observations",
      { schema: { params: IdParameters, querystring: ObservationsQuery, response: { 200: Observations } } },
      async (request) => {
        const { code, from, to, limit = OBSERVATIONS_PER_PAGE.standard, after } = request.query;
        const codes = code === undefined ? [] : code.split(",");
        const query = { codes, fromUnixMs: from, toUnixMs: to, limit, after };
        return library.readObservations(accountOf(request), PatientId.parse(request.params.id), query);
      },
    );

    app.get(
      "/api/v1/patients/:id/trends",
      { schema: { params: IdParameters, querystring: TrendsQuery, response: { 200: Trends } } },
      async (request) => {
        const { from, to, bucketMs, after } = request.query;
        const query = { fromUnixMs: from, toUnixMs: to, bucketMs, after };
        return library.readTrends(accountOf(request), PatientId.parse(request.params.id), query);
      },
    );

    app.get(
      "/api/v1/recordings/:id",
      { schema: { params: IdParameters, response: { 200: Recording } } },
      async (request) => library.getRecording(accountOf(request), RecordingId.parse(request.params.id)),
    );

    app.get(
      "/api/v1/recordings/:id/samples",
      { schema: { params: IdParameters, querystring: SamplesQuery } },
      async (request, reply) => {
        const { stream, fromFrame, toFrame, missing = "sentinel" } = request.query;
        const recording = RecordingId.parse(request.params.id);
        const stretch = { stream, fromFrame, toFrame };
        return sendFramed(reply, await library.readSamples(accountOf(request), recording, stretch, missing));
      },
    );

    app.get(
      "/api/v1/recordings/:id/summary",
      { schema: { params: IdParameters, querystring: SummaryQuery } },
      async (request, reply) => {
        const { stream, fromFrame, toFrame, buckets } = request.query;
        const recording = RecordingId.parse(request.params.id);
        const stretch = { stream, fromFrame, toFrame };
        return sendFramed(reply, await library.readSummary(accountOf(request), recording, stretch, buckets));
      },
    );

    app.get(
      "/api/v1/terminals/:serial/keys",
      { schema: { params: SerialParameters, response: { 200: KeyLife } } },
      async (request) => {
        const { changes, ...life } = await library.getKeyLife(
          accountOf(request),
          TerminalId.parse(request.params.serial),
        );
        return { ...life, changes: [...changes] };
      },
    );

    app.get("/api/v1/recordings/:id/live", { schema: { params: IdParameters } }, async (request, reply) => {
      const recording = RecordingId.parse(request.params.id);
      const { terminal } = await library.follow(accountOf(request), recording);
      const requireSession = () => sessions.require(sessionToken(request));
      return streamExtents(reply, { library, live, recording, terminal, requireSession });
    });
  };
