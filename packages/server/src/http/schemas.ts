/** Shapes of the API's answers, from which the OpenAPI description is made. */
import { Type } from "./schema.ts";

const Id = Type.String({ pattern: "^[0-9a-f]{32}$" });
const Frame = Type.Integer({ minimum: 0 });
const StreamNumber = Type.Integer({ minimum: 0, maximum: 15 });
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

const State = Type.Union([Type.Literal("live"), Type.Literal("complete"), Type.Literal("interrupted")]);

const Start = Type.Object({
  unixMs: Nullable(Type.Integer()),
  certainty: Type.Union([Type.Literal("measured"), Type.Literal("claimed"), Type.Literal("unknown")]),
});

const Rate = Type.Object({ num: Type.Integer(), den: Type.Integer() });

const Leads = Type.Array(
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
    code: Type.Union([Type.String(), Type.Null()], { description: "IEEE 11073-10101, as the name says" }),
    ucumUnit: Type.Union([Type.String(), Type.Null()], { description: "UCUM, as the units say" }),
  }),
);

const Gaps = Type.Array(Type.Object({ fromFrame: Type.Integer(), toFrame: Type.Integer(), cause: Type.String() }));

const Stream = Type.Object({
  stream: StreamNumber,
  kind: Type.Union([Type.Literal("waveform"), Type.Literal("observation")]),
  start: Start,
  frameRateHz: Type.Union([Rate, Type.Null()], { description: "null for observations: each of them is a frame" }),
  leads: Leads,
  frameCount: Type.Integer(),
  state: State,
  segmentCount: Type.Integer(),
  pendingCount: Type.Integer(),
  gaps: Gaps,
});

export const Recording = Type.Object({
  id: Id,
  patientId: Type.String(),
  patientName: Type.String(),
  terminalSerial: Type.String(),
  start: Start,
  receivedAtUnixMs: Type.Integer(),
  lastReceivedAtUnixMs: Type.Integer(),
  frameRateHz: Rate,
  leads: Leads,
  frameCount: Type.Integer({ description: "of the stream that stands for the recording: its first of samples" }),
  state: State,
  segmentCount: Type.Integer({ description: "of all streams" }),
  pendingCount: Type.Integer({ description: "of all streams" }),
  gaps: Gaps,
  streams: Type.Array(Stream),
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

const OptionalStream = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 15, description: "without it, the recording's first stream of samples" }),
);

export const SamplesQuery = Type.Object({
  stream: OptionalStream,
  fromFrame: Frame,
  toFrame: Frame,
  missing: Type.Optional(
    Type.Union([Type.Literal("sentinel"), Type.Literal("code")], {
      description: "what stands for a missing sample: -2147483648, or the lead's own code",
    }),
  ),
});

export const SummaryQuery = Type.Object({
  stream: OptionalStream,
  fromFrame: Frame,
  toFrame: Frame,
  buckets: Type.Integer({ minimum: 1, maximum: 8192 }),
});

const UnixMs = Type.Integer({ minimum: -8_640_000_000_000_000, maximum: 8_640_000_000_000_000 });

export const ObservationsQuery = Type.Object({
  code: Type.Optional(
    Type.String({
      maxLength: 1024,
      description: "LOINC numbers or IEEE 11073-10101 reference ids, separated by commas",
    }),
  ),
  from: Type.Optional(UnixMs),
  to: Type.Optional(UnixMs),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  after: Type.Optional(Type.String({ maxLength: 64, description: "next of the page before" })),
});

const Certainty = [Type.Literal("device"), Type.Literal("measured"), Type.Literal("claimed")] as const;

export const TrendsQuery = Type.Object({
  from: Type.Optional(UnixMs),
  to: Type.Optional(UnixMs),
  bucketMs: Type.Integer({ minimum: 1, maximum: 31_536_000_000, description: "length of a stretch" }),
  after: Type.Optional(Type.String({ maxLength: 64, description: "next of the page before" })),
});

export const Trends = Type.Object({
  series: Type.Array(
    Type.Object({
      code: Type.String(),
      name: Type.Union([Type.String(), Type.Null()], { description: "null when the code is not a known one" }),
      unit: Type.String({ description: "UCUM" }),
      buckets: Type.Array(
        Type.Object({
          fromUnixMs: Type.Integer({ description: "a multiple of bucketMs" }),
          suspect: Type.Boolean({
            description: "a stretch may be there twice: values that no body can have are apart",
          }),
          count: Type.Integer(),
          lowest: Type.String({ description: "decimal, with the digits that the device gave" }),
          highest: Type.String(),
          last: Type.String(),
          lastUnixMs: Type.Integer({ description: "when the last was measured" }),
          certainty: Type.Union([...Certainty]),
        }),
      ),
    }),
  ),
  untimedCount: Type.Integer({ description: "values without a time, when neither from nor to is asked for" }),
  next: Type.Union([Type.String(), Type.Null()], {
    description: "the query's after for the next page, whose stretches may be those of this one; null at the end",
  }),
  unreadableSegments: Type.Integer(),
});

export const Observations = Type.Object({
  observations: Type.Array(
    Type.Object({
      id: Type.String(),
      recordingId: Id,
      stream: StreamNumber,
      terminalSerial: Type.String(),
      device: Nullable(Type.String()),
      time: Type.Object({
        unixMs: Nullable(Type.Integer()),
        certainty: Type.Union([...Certainty, Type.Literal("unknown")]),
      }),
      arrivedAtUnixMs: Type.Union([Type.Integer(), Type.Null()], { description: "when it came to the terminal" }),
      components: Type.Array(
        Type.Object({
          code: Type.String(),
          name: Type.Union([Type.String(), Type.Null()], { description: "null when the code is not a known one" }),
          unit: Type.String({ description: "UCUM" }),
          value: Type.String({ description: "decimal, with the digits that the device gave" }),
          suspect: Type.Boolean({ description: "no body can have this value" }),
        }),
      ),
    }),
  ),
  next: Type.Union([Type.String(), Type.Null()], {
    description: "the query's after for the next page; null at the end. A page may be short of its limit",
  }),
  unreadableSegments: Type.Integer(),
});
