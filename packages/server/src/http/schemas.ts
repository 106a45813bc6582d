/** Shapes of the API's answers, from which the OpenAPI description is made. */
import { Type } from "./schema.ts";

const Id = Type.String({ pattern: "^[0-9a-f]{32}$" });
const Frame = Type.Integer({ minimum: 0 });
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
  suite: Type.Union([Type.Literal("pericard-1"), Type.Literal("paper-2018")]),
});

export const Recordings = Type.Object({ recordings: Type.Array(Recording) });

const KeyUse = Type.Object({ cycle: Type.Integer(), index: Type.Integer(), use: Type.Integer() });

export const KeyLife = Type.Object({
  terminalSerial: Type.String(),
  next: Type.Union([KeyUse, Type.Null()], { description: "the next use of a key, as far as the server knows" }),
  seenAtUnixMs: Nullable(Type.Integer()),
  usedCount: Type.Integer({ description: "uses over all keys since the terminal was deployed" }),
  maximum: Type.Integer({ description: "uses after which a key gives way to the next" }),
  version: Type.Integer({ description: "the change that gave the maximum; 0 before the first" }),
  usesPerDay: Type.Union([Type.Number(), Type.Null()], { description: "null before a week was seen" }),
  keysEndAtUnixMs: Type.Union([Type.Integer(), Type.Null()], {
    description: "when the last of the 120 keys of this cycle is used up, at that pace",
  }),
  targetLifeDays: Type.Number(),
  changes: Type.Array(
    Type.Object({
      version: Type.Integer(),
      state: Type.Union([
        Type.Literal("offered"),
        Type.Literal("ordered"),
        Type.Literal("done"),
        Type.Literal("refused"),
        Type.Literal("cancelled"),
      ]),
      maximum: Type.Integer(),
      code: Nullable(Type.String()),
      begunAtUnixMs: Type.Integer(),
      orderedAtUnixMs: Nullable(Type.Integer()),
      endedAtUnixMs: Nullable(Type.Integer()),
      effectiveFrom: Nullable(KeyUse),
      taken: Nullable(KeyUse),
    }),
  ),
  alarms: Type.Array(Type.Object({ atUnixMs: Type.Integer(), kind: Type.String(), detail: Type.String() })),
});

export const SerialParameters = Type.Object({ serial: Type.String({ pattern: "^[0-9a-f]{12}$" }) });

export const IdParameters = Type.Object({ id: Id });

export const SamplesQuery = Type.Object({
  fromFrame: Frame,
  toFrame: Frame,
  missing: Type.Optional(
    Type.Union([Type.Literal("sentinel"), Type.Literal("code")], {
      description: "what stands for a missing sample: -2147483648, or the lead's own code",
    }),
  ),
});

export const SummaryQuery = Type.Object({
  fromFrame: Frame,
  toFrame: Frame,
  buckets: Type.Integer({ minimum: 1, maximum: 8192 }),
});
