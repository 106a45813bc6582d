/** The viewer's only door to the server: one method per endpoint, answers checked before they are returned. */
import { WebError, isAbort } from "../errors.ts";
import { readPatients, readRecording, readRecordings, readSession } from "./decode.ts";
import { readKeyLife } from "./key-life.ts";
import type { KeyLife } from "./key-life.ts";
import { readObservationPage, readTrendPage } from "./observations.ts";
import type { ObservationPage, ObservationsQuery, TrendPage, TrendsQuery } from "./observations.ts";
import { parseSamples, parseSummary } from "./framed-body.ts";
import { refusalOf } from "./problem.ts";
import type { Patient, Recording, SampleBlock, Session, SummaryBlock } from "./types.ts";

const ROOT = "/api/v1";

/** What the client needs from its surroundings. */
export interface ApiOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Called when the server says 401: the session ended. */
  readonly onSignedOut: () => void;
}

/** Frames `[fromFrame, toFrame)` of one recording. */
export interface FrameRange {
  readonly fromFrame: number;
  readonly toFrame: number;
}

/** What must be known of a recording to read the samples of a stream; without one, of the first that has any. */
export interface Described extends Pick<Recording, "id" | "leads"> {
  readonly stream?: number | undefined;
}

/** Client of the API on the same origin; the session is a cookie that no script sees. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Who is signed in. @throws {WebError} with status 401 when no one is. */
  async session(signal?: AbortSignal): Promise<Session> {
    return readSession(await this.#json("/session", signal));
  }

  /** Ends the session on the server. */
  async signOut(): Promise<void> {
    await this.#send("/session", { method: "DELETE" });
  }

  /** Patients this account may see. */
  async patients(signal?: AbortSignal): Promise<Patient[]> {
    return readPatients(await this.#json("/patients", signal));
  }

  /** Recordings of one patient, newest first. */
  async recordings(patientId: string, signal?: AbortSignal): Promise<Recording[]> {
    return readRecordings(await this.#json(`/patients/${encodeURIComponent(patientId)}/recordings`, signal));
  }

  /** One page of a patient's observations, the last to arrive first. */
  async observations(patientId: string, query: ObservationsQuery, signal?: AbortSignal): Promise<ObservationPage> {
    const path = `/patients/${encodeURIComponent(patientId)}/observations${queryText({ ...query })}`;
    return readObservationPage(await this.#json(path, signal));
  }

  /** One page of a patient's observations in stretches, from the last to arrive on. */
  async trends(patientId: string, query: TrendsQuery, signal?: AbortSignal): Promise<TrendPage> {
    const path = `/patients/${encodeURIComponent(patientId)}/trends${queryText({ ...query })}`;
    return readTrendPage(await this.#json(path, signal));
  }

  /** One recording. */
  async recording(id: string, signal?: AbortSignal): Promise<Recording> {
    return readRecording(await this.#json(`/recordings/${encodeURIComponent(id)}`, signal));
  }

  /** The life of a terminal's keys. */
  async keyLife(serial: string, signal?: AbortSignal): Promise<KeyLife> {
    return readKeyLife(await this.#json(`/terminals/${encodeURIComponent(serial)}/keys`, signal));
  }

  /** Samples of at most 60 s; the block may end before `range.toFrame`. */
  async samples(recording: Described, range: FrameRange, signal?: AbortSignal): Promise<SampleBlock> {
    const query = queryText({ stream: recording.stream, ...range });
    const path = `/recordings/${encodeURIComponent(recording.id)}/samples${query}`;
    return parseSamples(await this.#bytes(path, signal), recording.leads);
  }

  /** Lowest and highest samples in `bucketCount` equal parts of the range. */
  async summary(
    recording: Described,
    range: FrameRange,
    bucketCount: number,
    signal?: AbortSignal,
  ): Promise<SummaryBlock> {
    const query = queryText({ stream: recording.stream, ...range, buckets: bucketCount });
    const path = `/recordings/${encodeURIComponent(recording.id)}/summary${query}`;
    return parseSummary(await this.#bytes(path, signal), recording.leads);
  }

  async #json(path: string, signal?: AbortSignal): Promise<unknown> {
    const response = await this.#send(path, withSignal(signal));
    return response.json().catch((cause: unknown) => {
      if (isAbort(cause)) throw cause;
      throw new WebError("ERR_ANSWER_MALFORMED", "the answer is not JSON", { cause });
    });
  }

  async #bytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
    const response = await this.#send(path, withSignal(signal));
    return response.arrayBuffer();
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const response = await this.#options.fetch(ROOT + path, { credentials: "same-origin", ...init });
    if (response.ok) return response;
    if (response.status === 401) this.#options.onSignedOut();
    throw await refusalOf(response);
  }
}

/** Address of the server-sent events of one recording. */
export function livePath(recordingId: string): string {
  return `${ROOT}/recordings/${encodeURIComponent(recordingId)}/live`;
}

/** What of a query was said, with its question mark. */
function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const said = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return said.length === 0 ? "" : `?${new URLSearchParams(said).toString()}`;
}

function withSignal(signal: AbortSignal | undefined): RequestInit {
  return signal === undefined ? {} : { signal };
}
