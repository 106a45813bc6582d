/** Shapes of the API's answers, from which the OpenAPI description is made. */
import { Type } from "typebox";

const Id = Type.String({ pattern: "^[0-9a-f]{32}$" });
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.Optional(Type.String()),
  },
  { title: "Problem", description: "A refusal. Source: RFC 9457" },
);

export const Session = Type.Object({
  account: Type.Object({ name: Type.String(), role: Type.String() }),
  expiresAtUnixMs: Type.Integer(),
});

export const Patients = Type.Object({
  patients: Type.Array(
    Type.Object({
      id: Id,
      name: Type.String(),
      recordingCount: Type.Integer(),
      latestReceivedAtUnixMs: Nullable(Type.Integer()),
      live: Type.Boolean(),
    }),
  ),
});

const Neighbour = Nullable(Type.Object({ recordingId: Id, cause: Type.String() }));

export const Recording = Type.Object({
  id: Id,
  patientId: Type.String(),
  patientName: Type.String(),
  terminalSerial: Type.String(),
  start: Type.Object({
    unixMs: Nullable(Type.Integer()),
    certainty: Type.Union([Type.Literal("measured"), Type.Literal("claimed"), Type.Literal("unknown")]),
  }),
  receivedAtUnixMs: Type.Integer(),
  lastReceivedAtUnixMs: Type.Integer(),
  frameRateHz: Type.Object({ num: Type.Integer(), den: Type.Integer() }),
  leads: Type.Array(
    Type.Object({
      name: Type.String(),
      units: Type.String(),
      gainAduPerUnit: Type.String({ description: "adu per unit, decimal text as in the source" }),
      baselineAdu: Type.Integer(),
      samplesPerFrame: Type.Integer(),
      skewFrames: Type.Integer(),
      adcResolutionBits: Type.Integer(),
      adcZeroAdu: Type.Integer(),
      missingCode: Nullable(Type.Integer()),
    }),
  ),
  frameCount: Type.Integer(),
  state: Type.Union([Type.Literal("live"), Type.Literal("complete"), Type.Literal("interrupted")]),
  segmentCount: Type.Integer(),
  pendingCount: Type.Integer(),
  gaps: Type.Array(Type.Object({ fromFrame: Type.Integer(), toFrame: Type.Integer(), cause: Type.String() })),
  predecessor: Neighbour,
  successor: Neighbour,
  synthetic: Type.Boolean(),
});

export const Recordings = Type.Object({ recordings: Type.Array(Recording) });

export const IdParameters = Type.Object({ id: Id });

export const SamplesQuery = Type.Object({
  fromFrame: Type.Integer({ minimum: 0 }),
  toFrame: Type.Integer({ minimum: 0 }),
  missing: Type.Optional(
    Type.Union([Type.Literal("sentinel"), Type.Literal("code")], {
      description: "what stands for a missing sample: -2147483648, or the lead's own code",
    }),
  ),
});

export const SummaryQuery = Type.Object({
  fromFrame: Type.Integer({ minimum: 0 }),
  toFrame: Type.Integer({ minimum: 0 }),
  buckets: Type.Integer({ minimum: 1, maximum: 8192 }),
});
