/**
 * Uploads to an ordered list of targets, gateways or servers: the first that serves is used.
 *
 * A target that does not answer, or has no room, rests. One that took something and brought no receipt for it, or that says
 * that it is cut off from the server, is doubted: others are asked before it, until it is asked again after a while. A copy
 * that two targets forward is stored once.
 *
 * Source: docs/format.md §9.1.
 */
import type { UploadTarget } from "@pericard/trsm";
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import { isDelivered } from "./sender.ts";
import type { PostAnswer, PostOptions, Transport, Way } from "./transport.ts";

/** Times of a list of targets, in milliseconds. */
export interface TargetTimes {
  /** How long a target is left alone after it did not answer. */
  readonly restMs: number;
  /** How long a target is doubted; doubled while the doubt is confirmed. */
  readonly doubtMs: number;
  readonly doubtMsMax: number;
  /** For how long after one was cut off its news may be of what waited there. */
  readonly drainMs: number;
}
export const TARGET_TIMES: TargetTimes = { restMs: 15_000, doubtMs: 60_000, doubtMsMax: 600_000, drainMs: 3_600_000 };

interface Target {
  readonly url: string;
  readonly way: Way;
  /** The monotonic clock until which it is not asked while another may be. */
  restsUntilMs: number;
  /** The monotonic clock until which others are preferred. */
  doubtedUntilMs: number;
  doubtMs: number;
  /** When it last brought news, and when it last answered at all. */
  heardAtMs: number;
  answeredAtMs: number;
  /** Since when it is not cut off; undefined while it is. */
  openSinceMs: number | undefined;
}

/** Several targets as one way. */
export class TargetList implements Transport {
  readonly #targets: readonly Target[];
  readonly #clock: Clock;
  readonly #times: TargetTimes;
  #sentBytes = 0;
  #target: string | null = null;

  /**
   * @param makeWay makes the way to one target.
   * @throws {TerminalError} ERR_UPLOAD_NO_TARGET when the list is empty.
   */
  constructor(
    targets: readonly UploadTarget[],
    makeWay: (target: UploadTarget) => Way,
    clock: Clock,
    times: TargetTimes = TARGET_TIMES,
  ) {
    if (targets.length === 0) throw new TerminalError("ERR_UPLOAD_NO_TARGET", "terminal has no upload target");
    this.#clock = clock;
    this.#times = times;
    this.#targets = targets.map((target) => ({
      url: target.url,
      way: makeWay(target),
      restsUntilMs: 0,
      doubtedUntilMs: 0,
      doubtMs: times.doubtMs,
      heardAtMs: 0,
      answeredAtMs: 0,
      openSinceMs: 0,
    }));
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get target(): string | null {
    return this.#target;
  }

  get preferred(): string | null {
    return this.#order()[0]?.url ?? null;
  }

  async post(body: Uint8Array, options: PostOptions): Promise<PostAnswer> {
    const tried = new Tried();
    for (const target of this.#order()) {
      if (options.signal.aborted) break;
      // Where a message waits already, a copy of it helps only with one that may get it through.
      if (tried.waits && this.#isDoubted(target)) continue;
      await this.#ask(target, body, options, tried);
      if (tried.settled) break;
    }
    const answer = tried.best();
    if (answer && isDelivered(answer)) this.#target = answer.target;
    else if (!options.signal.aborted) this.#target = answer && answer.status < 500 ? answer.target : null;
    if (answer) return answer;
    throw tried.failure ?? new TerminalError("ERR_UPLOAD_UNREACHABLE", "upload was given up");
  }

  heard(url: string): void {
    const target = this.#targets.find((one) => one.url === url);
    if (!target) return;
    target.heardAtMs = this.#clock.monotonicMs();
    target.doubtedUntilMs = 0;
    target.doubtMs = this.#times.doubtMs;
  }

  doubt(url: string, takenAtMs: number): void {
    const target = this.#targets.find((one) => one.url === url);
    // The receipt may lie there: it is doubted when it was asked since and brought nothing.
    if (target && target.heardAtMs <= takenAtMs && target.answeredAtMs > takenAtMs) this.#doubt(target);
  }

  quietSinceMs(url: string): number {
    const target = this.#targets.find((one) => one.url === url);
    if (!target) return 0;
    const { openSinceMs, heardAtMs } = target;
    if (openSinceMs === undefined) return Number.POSITIVE_INFINITY;
    return Math.min(Math.max(openSinceMs, heardAtMs), openSinceMs + this.#times.drainMs);
  }

  close(): void {
    for (const { way } of this.#targets) way.close();
  }

  async #ask(target: Target, body: Uint8Array, options: PostOptions, tried: Tried): Promise<void> {
    try {
      this.#sentBytes += body.length;
      const answer = { ...(await target.way.post(body, options)), target: target.url };
      target.answeredAtMs = this.#clock.monotonicMs();
      if (isElsewhere(answer)) this.#rest(target, answer.retryAfterMs);
      else target.restsUntilMs = 0;
      this.#seeReach(target, answer.cutOff);
      tried.add(answer);
    } catch (error) {
      tried.failure ??= error;
      if (!options.signal.aborted) this.#rest(target, null);
    }
  }

  #seeReach(target: Target, cutOff: boolean): void {
    if (cutOff) {
      target.openSinceMs = undefined;
      this.#doubt(target);
    } else target.openSinceMs ??= this.#clock.monotonicMs();
  }

  /** Those that are not doubted before those that are, each in the order preferred; resting ones when all rest. */
  #order(): readonly Target[] {
    const nowMs = this.#clock.monotonicMs();
    const awake = this.#targets.filter(({ restsUntilMs }) => restsUntilMs <= nowMs);
    const asked = awake.length > 0 ? awake : this.#targets;
    const trusted = asked.filter((target) => !this.#isDoubted(target));
    return [...trusted, ...asked.filter((target) => this.#isDoubted(target))];
  }

  #isDoubted({ doubtedUntilMs }: Target): boolean {
    return doubtedUntilMs > this.#clock.monotonicMs();
  }

  #doubt(target: Target): void {
    if (this.#targets.length === 1 || this.#isDoubted(target)) return;
    target.doubtedUntilMs = this.#clock.monotonicMs() + target.doubtMs;
    target.doubtMs = Math.min(2 * target.doubtMs, this.#times.doubtMsMax);
  }

  #rest(target: Target, retryAfterMs: number | null): void {
    target.restsUntilMs = this.#clock.monotonicMs() + Math.max(this.#times.restMs, retryAfterMs ?? 0);
  }
}

/** What the targets of one message have said so far. */
class Tried {
  failure: unknown;
  #refusal: PostAnswer | undefined;
  #waiting: PostAnswer | undefined;
  #settled: PostAnswer | undefined;

  /** Whether it is known what becomes of the message. */
  get settled(): boolean {
    return this.#settled !== undefined;
  }

  /** Whether a gateway that is cut off has taken it. */
  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  add(answer: PostAnswer): void {
    if (isElsewhere(answer)) this.#refusal ??= answer;
    else if (isDelivered(answer) && answer.cutOff && !hasMail(answer)) this.#waiting ??= answer;
    else this.#settled = answer;
  }

  best(): PostAnswer | undefined {
    const settled = this.#settled && (isDelivered(this.#settled) || !this.#waiting) ? this.#settled : undefined;
    return settled ?? this.#waiting ?? this.#refusal;
  }
}

/** Whether another target may take what this one does not: it has no room, fails, or does not know the terminal. */
function isElsewhere({ status }: PostAnswer): boolean {
  return status >= 500 || status === 401;
}

/** Mail that is more than an empty array: it was taken from a mailbox and must be read. */
function hasMail({ mail }: PostAnswer): boolean {
  return mail !== null && mail.length > 1;
}
