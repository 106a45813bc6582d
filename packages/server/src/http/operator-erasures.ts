/** The operator's routes about erasure, legal holds and retention. */
import type { FastifyPluginAsyncTypebox, Static } from "@fastify/type-provider-typebox";
import type { ErasureOrder, LegalHold } from "@pericard/custody";
import { ERASURE_BY_MAX, ERASURE_REASON_MAX, ErasureId, PatientId, RecordingId } from "@pericard/protocol";
import type { Eraser } from "../erasure/eraser.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import { Type } from "./schema.ts";

export interface ErasureRouteParts {
  readonly eraser: Eraser;
  readonly keyStore: KeyStorePort;
  readonly nowUnixMs: () => number;
}

/** Recordings that one request may name; a patient may have any number. */
const RECORDINGS_MAX = 256;
const PLAIN_TEXT = "^[^\\u0000-\\u001f\\u007f]*$";

const Order = {
  reason: Type.String({ minLength: 1, maxLength: ERASURE_REASON_MAX, pattern: PLAIN_TEXT }),
  by: Type.Optional(Type.String({ minLength: 1, maxLength: ERASURE_BY_MAX, pattern: PLAIN_TEXT })),
};
const Subject = {
  patient: Type.Optional(Type.String()),
  recordings: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: RECORDINGS_MAX })),
};
const ErasureBody = Type.Object({ ...Subject, ...Order });
const HoldBody = Type.Object({
  patient: Type.Optional(Type.String()),
  recording: Type.Optional(Type.String()),
  ...Order,
});
const LiftBody = Type.Object(Order);

/** What a request names: a patient, or recordings, and not both. @throws {ServerError} ERR_REQUEST_RANGE. */
function requireSubject(patient: string | undefined, recordings: readonly string[] | undefined) {
  if (patient !== undefined && recordings === undefined) return { patient: PatientId.parse(patient) };
  if (patient === undefined && recordings) return { recordings: recordings.map((one) => RecordingId.parse(one)) };
  throw new ServerError("ERR_REQUEST_RANGE", "name a patient or recordings");
}

interface Asked {
  readonly reason: string;
  readonly by?: string;
}

const orderOf = ({ reason, by = "operator" }: Asked, atUnixMs: number): ErasureOrder => ({ reason, by, atUnixMs });

const namesOf = ({ patient, recordings }: Static<typeof ErasureBody>): string =>
  patient === undefined ? (recordings ?? []).join(" ").slice(0, 200) : `patient ${patient}`;

/** Adds the routes. */
export const erasureRoutes =
  ({ eraser, keyStore, nowUnixMs }: ErasureRouteParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      "/v1/erasures",
      {
        schema: { body: ErasureBody },
        config: { action: "erase", subject: ({ body }) => namesOf(body as Static<typeof ErasureBody>) },
      },
      async ({ body }) => {
        const named = requireSubject(body.patient, body.recordings);
        return named.patient === undefined
          ? eraser.eraseRecordings(named.recordings, orderOf(body, nowUnixMs()))
          : eraser.erasePatient(named.patient, orderOf(body, nowUnixMs()));
      },
    );

    app.get("/v1/erasures", async () => ({ erasures: await keyStore.erasures() }));

    app.get(
      "/v1/erasures/:id/certificate",
      { schema: { params: Type.Object({ id: Type.String() }) } },
      async ({ params }) => eraser.certificateOf(ErasureId.parse(params.id)),
    );

    app.get("/v1/holds", async (): Promise<{ holds: readonly LegalHold[] }> => ({ holds: await keyStore.holds() }));

    app.post(
      "/v1/holds",
      {
        schema: { body: HoldBody },
        config: {
          action: "set legal hold",
          subject: ({ body }) => {
            const { patient, recording } = body as Static<typeof HoldBody>;
            return patient === undefined ? (recording ?? "") : `patient ${patient}`;
          },
        },
      },
      async ({ body }) => {
        const named = requireSubject(body.patient, body.recording === undefined ? undefined : [body.recording]);
        return keyStore.setHold({
          patient: named.patient ?? null,
          recording: named.recordings?.[0] ?? null,
          ...orderOf(body, nowUnixMs()),
        });
      },
    );

    app.delete(
      "/v1/holds/:id",
      {
        schema: { params: Type.Object({ id: Type.String() }), body: LiftBody },
        config: { action: "lift legal hold" },
      },
      async ({ params, body }) => keyStore.liftHold(params.id, orderOf(body, nowUnixMs())),
    );
  };
