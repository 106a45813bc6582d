/** A client of the API for programs: signs in with a one-time link, then reads as its account may. */
import type { ObservationPage } from "../retrieval/observations.ts";
import type { TrendPage } from "../retrieval/trends.ts";
import type { RecordingDescription } from "../retrieval/describe.ts";
import { ServerError } from "../errors.ts";

/** Samples of a stretch, lead after lead. */
export interface SamplesAnswer {
  readonly fromFrame: number;
  readonly toFrame: number;
  readonly leads: readonly Int32Array[];
}

export interface PatientSummary {
  readonly id: string;
  readonly name: string;
  readonly recordingCount: number;
  readonly latestReceivedAtUnixMs: number | null;
  readonly live: boolean;
}

/** Which observations are meant, as the API's query says it. */
export interface ObservationsWish {
  /** Codes, separated by commas. */
  readonly code?: string | undefined;
  /** Milliseconds since 1970: measured at or after, and before. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

interface LeadPlace {
  readonly offsetBytes: number;
  readonly sampleCount: number;
}

/** An answer that the server meant. @throws {ServerError} ERR_SERVER_UNREACHABLE, or ERR_REQUEST_RANGE with its refusal. */
async function ask(url: string, options: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, options).catch((cause: unknown) => {
    throw new ServerError("ERR_SERVER_UNREACHABLE", `no server answers at ${new URL(url).origin}`, { cause });
  });
  if (response.ok) return response;
  const { code = "", detail = "" } = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  throw new ServerError("ERR_REQUEST_RANGE", `server answered ${response.status} ${code} ${detail}`.trimEnd());
}

/** What of a wish was said, as a query. */
function queryOf(wish: ObservationsWish & { readonly bucketMs?: number }): URLSearchParams {
  const said = Object.entries(wish).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return new URLSearchParams(said);
}

export class ApiClient {
  readonly #baseUrl: string;
  readonly #cookie: string;

  private constructor(baseUrl: string, cookie: string) {
    this.#baseUrl = baseUrl;
    this.#cookie = cookie;
  }

  /** Uses a one-time link up. */
  static async signIn(baseUrl: string, linkToken: string): Promise<ApiClient> {
    const response = await ask(`${baseUrl}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: linkToken }),
    });
    const cookie = (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    return new ApiClient(baseUrl, cookie);
  }

  #get(path: string): Promise<Response> {
    return ask(`${this.#baseUrl}/api/v1/${path}`, { headers: { cookie: this.#cookie } });
  }

  async patients(): Promise<readonly PatientSummary[]> {
    const { patients } = (await (await this.#get("patients")).json()) as { patients: readonly PatientSummary[] };
    return patients;
  }

  async recordings(patientId: string): Promise<readonly RecordingDescription[]> {
    const answer = await (await this.#get(`patients/${patientId}/recordings`)).json();
    return (answer as { recordings: readonly RecordingDescription[] }).recordings;
  }

  async recording(id: string): Promise<RecordingDescription> {
    return (await (await this.#get(`recordings/${id}`)).json()) as RecordingDescription;
  }

  /** One page of a patient's observations. */
  async observations(patientId: string, wish: ObservationsWish = {}): Promise<ObservationPage> {
    return (await (await this.#get(`patients/${patientId}/observations?${queryOf(wish)}`)).json()) as ObservationPage;
  }

  /** All of a patient's observations that are meant, a page at a time, newest first. */
  async *allObservations(patientId: string, wish: ObservationsWish = {}): AsyncGenerator<ObservationPage> {
    for (let after: string | undefined = wish.after; ;) {
      const page: ObservationPage = await this.observations(patientId, { ...wish, after });
      yield page;
      if (page.next === null) return;
      after = page.next;
    }
  }

  /** One page of a patient's observations in stretches of `bucketMs`. */
  async trends(
    patientId: string,
    wish: { readonly bucketMs: number } & Pick<ObservationsWish, "from" | "to" | "after">,
  ): Promise<TrendPage> {
    return (await (await this.#get(`patients/${patientId}/trends?${queryOf(wish)}`)).json()) as TrendPage;
  }

  /** Exact samples; a missing one is its lead's own code. At most 60 s are given, see `toFrame`. */
  async samples(id: string, fromFrame: number, toFrame: number, stream?: number): Promise<SamplesAnswer> {
    const ofStream = stream === undefined ? "" : `stream=${stream}&`;
    const query = `${ofStream}fromFrame=${fromFrame}&toFrame=${toFrame}&missing=code`;
    const body = await (await this.#get(`recordings/${id}/samples?${query}`)).arrayBuffer();
    const headerBytes = new DataView(body).getUint32(0, true);
    const text = new TextDecoder().decode(new Uint8Array(body, 4, headerBytes));
    const header = JSON.parse(text) as Omit<SamplesAnswer, "leads"> & { readonly leads: readonly LeadPlace[] };
    const leads = header.leads.map(
      ({ offsetBytes, sampleCount }) => new Int32Array(body, 4 + headerBytes + offsetBytes, sampleCount),
    );
    return { fromFrame: header.fromFrame, toFrame: header.toFrame, leads };
  }

  /** The whole recording, a stretch at a time. Memory: one stretch. */
  async *allSamples(recording: Pick<RecordingDescription, "id" | "frameCount">): AsyncGenerator<SamplesAnswer> {
    for (let fromFrame = 0; fromFrame < recording.frameCount;) {
      const answer = await this.samples(recording.id, fromFrame, recording.frameCount);
      if (answer.toFrame <= fromFrame) throw new ServerError("ERR_DATA_UNREADABLE", "server gave an empty stretch");
      yield answer;
      fromFrame = answer.toFrame;
    }
  }
}
