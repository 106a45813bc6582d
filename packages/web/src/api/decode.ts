/** JSON of the API to checked values. What does not fit is refused whole: a wrong rate or gain must never be drawn. */
import { malformed } from "../errors.ts";
import { arrayAt, booleanAt, choiceAt, integerAt, nullableAt, numberAt, objectAt, objectOf, stringAt } from "./json.ts";
import type { JsonObject } from "./json.ts";
import type { Gap, Lead, Neighbour, Patient, Recording, Session, Stream } from "./types.ts";

const LEAD_COUNT_MAX = 1024;
const STREAM_COUNT_MAX = 16;
const LIST_COUNT_MAX = 1_000_000;
const ADU_MAX = 2 ** 31;

/** Body of `GET /session` and `POST /session`. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function readSession(value: unknown): Session {
  const body = objectOf(value, "session");
  const account = objectAt(body, "account");
  return {
    account: { name: stringAt(account, "name"), role: stringAt(account, "role") },
    expiresAtUnixMs: numberAt(body, "expiresAtUnixMs"),
  };
}

/** Body of `GET /patients`. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function readPatients(value: unknown): Patient[] {
  return arrayAt(objectOf(value, "patients"), "patients", readPatient, LIST_COUNT_MAX);
}

/** Body of `GET /patients/:id/recordings`. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function readRecordings(value: unknown): Recording[] {
  return arrayAt(objectOf(value, "recordings"), "recordings", readRecording, LIST_COUNT_MAX);
}

/** Body of `GET /recordings/:id`. @throws {WebError} ERR_ANSWER_MALFORMED. */
export function readRecording(value: unknown): Recording {
  const body = objectOf(value, "recording");
  return {
    id: stringAt(body, "id"),
    patientId: stringAt(body, "patientId"),
    patientName: stringAt(body, "patientName"),
    terminalSerial: stringAt(body, "terminalSerial"),
    start: readStart(objectAt(body, "start")),
    receivedAtUnixMs: numberAt(body, "receivedAtUnixMs"),
    frameRateHz: readRate(objectAt(body, "frameRateHz")),
    leads: arrayAt(body, "leads", readLead, LEAD_COUNT_MAX),
    frameCount: integerAt(body, "frameCount"),
    state: choiceAt(body, "state", ["live", "complete", "interrupted"]),
    segmentCount: integerAt(body, "segmentCount"),
    pendingCount: integerAt(body, "pendingCount"),
    gaps: readGaps(body),
    streams: arrayAt(body, "streams", readStream, STREAM_COUNT_MAX),
    predecessor: nullableAt(body, "predecessor", readNeighbour),
    successor: nullableAt(body, "successor", readNeighbour),
    synthetic: booleanAt(body, "synthetic"),
    suite: choiceAt(body, "suite", ["pericard-1", "paper-2018"]),
  };
}

function readStream(body: JsonObject): Stream {
  return {
    stream: integerAt(body, "stream", 0, STREAM_COUNT_MAX - 1),
    kind: choiceAt(body, "kind", ["waveform", "observation"]),
    start: readStart(objectAt(body, "start")),
    frameRateHz: nullableAt(body, "frameRateHz", (object, key) => readRate(objectAt(object, key))),
    leads: arrayAt(body, "leads", readLead, LEAD_COUNT_MAX),
    frameCount: integerAt(body, "frameCount"),
    gaps: readGaps(body),
  };
}

function readGaps(body: JsonObject): Gap[] {
  return arrayAt(body, "gaps", readGap, LIST_COUNT_MAX).toSorted((a, b) => a.fromFrame - b.fromFrame);
}

function readPatient(body: JsonObject): Patient {
  return {
    id: stringAt(body, "id"),
    name: stringAt(body, "name"),
    recordingCount: integerAt(body, "recordingCount"),
    latestReceivedAtUnixMs: nullableAt(body, "latestReceivedAtUnixMs", numberAt),
    live: booleanAt(body, "live"),
  };
}

function readStart(body: JsonObject): Recording["start"] {
  const certainty = choiceAt(body, "certainty", ["measured", "claimed", "unknown"]);
  return { unixMs: nullableAt(body, "unixMs", numberAt), certainty };
}

function readRate(body: JsonObject): Recording["frameRateHz"] {
  const rate = { num: numberAt(body, "num", 0), den: numberAt(body, "den", 0) };
  const hz = rate.num / rate.den;
  if (!(hz > 0 && Number.isFinite(hz))) throw malformed("frameRateHz");
  return rate;
}

function readLead(body: JsonObject): Lead {
  return {
    name: stringAt(body, "name"),
    units: stringAt(body, "units"),
    gainAduPerUnit: stringAt(body, "gainAduPerUnit"),
    baselineAdu: numberAt(body, "baselineAdu", -ADU_MAX, ADU_MAX),
    samplesPerFrame: integerAt(body, "samplesPerFrame", 1, 65_536),
    skewFrames: integerAt(body, "skewFrames", -ADU_MAX, ADU_MAX),
    missingCode: nullableAt(body, "missingCode", numberAt),
  };
}

function readGap(body: JsonObject): Gap {
  const gap = { fromFrame: integerAt(body, "fromFrame"), toFrame: integerAt(body, "toFrame") };
  if (gap.toFrame < gap.fromFrame) throw malformed("gaps");
  return { ...gap, cause: stringAt(body, "cause") };
}

function readNeighbour(body: JsonObject, key: string): Neighbour {
  const neighbour = objectAt(body, key);
  return { recordingId: stringAt(neighbour, "recordingId"), cause: stringAt(neighbour, "cause") };
}
