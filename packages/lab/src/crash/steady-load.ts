/** Uploads without a pause, as terminals do it: what got no receipt is sent again. */
import { SIGNED_MEDIA_TYPE, UPLOAD_PATH } from "@pericard/protocol";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet, PreparedEnvelope } from "../bench/fleet.ts";

export interface SteadyLoadPlan {
  /** Addresses of the servers, or of links before them: who gets no receipt at one goes to the next. */
  readonly urls: readonly string[];
  readonly token: string;
  readonly fleet: Fleet;
  /** Envelopes under way at once, at most one for each terminal of the fleet. */
  readonly lanes: number;
  /** Receipts a second at most. */
  readonly perSecondMax: number;
}

/** What a stretch of time brought. */
export interface LoadStretch {
  readonly receipts: number;
  readonly perSecond: number;
  /** The longest, and the 99th percentile, from the first sending of an envelope to its receipt, in milliseconds. */
  readonly latencyMs: { readonly max: number; readonly p99: number };
}

const RETRY_MS = 100;
const TIMEOUT_MS = 40_000;

/** A load that runs until it is stopped. */
export class SteadyLoad {
  readonly #plan: SteadyLoadPlan;
  readonly #agent: Agent;
  readonly #lanes: Promise<void>[];
  #latenciesMs: number[] = [];
  #refusalCount = 0;
  #stopped = false;
  #nextAtMs = performance.now();

  constructor(plan: SteadyLoadPlan) {
    this.#plan = plan;
    this.#agent = new Agent({ keepAlive: true, maxSockets: plan.lanes });
    this.#lanes = Array.from({ length: plan.lanes }, (_, lane) => this.#lane(lane));
  }

  /** Sendings so far that brought no receipt, and were repeated. */
  get refusalCount(): number {
    return this.#refusalCount;
  }

  /** Watches it for a while. */
  async watch(milliseconds: number): Promise<LoadStretch> {
    this.#latenciesMs = [];
    await sleep(milliseconds);
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const receipts = sorted.length;
    const p99 = sorted[Math.ceil(0.99 * receipts) - 1] ?? Number.POSITIVE_INFINITY;
    const max = sorted.at(-1) ?? Number.POSITIVE_INFINITY;
    return { receipts, perSecond: (1000 * receipts) / milliseconds, latencyMs: { max, p99 } };
  }

  /** Sends what is under way to its end, and nothing more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    this.#agent.destroy();
  }

  async #lane(lane: number): Promise<void> {
    while (!this.#stopped) {
      await this.#turn();
      const [envelope] = this.#plan.fleet.prepare(1);
      if (envelope) await this.#deliver(envelope, lane);
    }
  }

  /** Waits for this lane's turn at the pace of the load. */
  async #turn(): Promise<void> {
    const now = performance.now();
    this.#nextAtMs = Math.max(this.#nextAtMs, now) + 1000 / this.#plan.perSecondMax;
    await sleep(Math.max(0, this.#nextAtMs - now));
  }

  /** @param first of the servers, which the lane always begins with. */
  async #deliver({ bytes }: PreparedEnvelope, first: number): Promise<void> {
    const { urls } = this.#plan;
    const begunMs = performance.now();
    for (let at = first; !(await this.#post(String(urls[at % urls.length]), bytes)); at += 1) {
      this.#refusalCount += 1;
      await sleep(RETRY_MS);
    }
    this.#latenciesMs.push(performance.now() - begunMs);
  }

  /** Whether the answer was a receipt; who listens on the link reads it. */
  #post(url: string, body: Uint8Array): Promise<boolean> {
    const headers = { authorization: `Bearer ${this.#plan.token}`, "content-type": SIGNED_MEDIA_TYPE };
    const options = { agent: this.#agent, method: "POST", headers, timeout: TIMEOUT_MS };
    return new Promise((resolve) => {
      const sent = request(`${url}${UPLOAD_PATH}`, options, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode === 200));
        response.on("error", () => resolve(false));
      });
      sent.on("timeout", () => sent.destroy());
      sent.on("error", () => resolve(false));
      sent.end(body);
    });
  }
}
