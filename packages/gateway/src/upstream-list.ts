/**
 * An ordered list of upstreams that behaves as one: the first that works is used.
 *
 * One that fails for some seconds is left for the next, and what is on its way there is broken off and sent again, which
 * the server stores once. The others are probed, never with messages; a preferred one is used again when it has been well
 * for a while. Where all fail they are tried in turn.
 *
 * Source: docs/operating/gateway.md.
 */
import type { Clock } from "./clock.ts";
import { UpstreamLink, type FailoverTimes, type Reach } from "./upstream-link.ts";
import type { SendOptions, Upstream, UpstreamAnswer } from "./upstream.ts";

/** What the last exchange with the upstream in use showed. */
export type Reachability = "reachable" | "cut-off" | "unreachable" | "untried";

/** What a list works with. */
export interface UpstreamListOptions {
  /** In order of preference, one at least. */
  readonly upstreams: readonly Upstream[];
  readonly clock: Clock;
  readonly times: FailoverTimes;
  /** Called when another one is used that may well take messages. */
  readonly onSwitch: (index: number) => void;
}

interface Member {
  readonly index: number;
  readonly upstream: Upstream;
  readonly link: UpstreamLink;
  /** Whether the last message that was sent there failed: a probe does not outweigh that while it is in use. */
  sendFailed: boolean;
  lastTakenMs: number;
  lastFailedMs: number;
  leaving: AbortController;
  probing: boolean;
}

/** Which upstream is in use. */
export interface UpstreamInUse {
  /** 0 is the preferred one. */
  readonly index: number;
  readonly sinceUnixMs: number;
}

/** Several upstreams as one. */
export class UpstreamList implements Upstream {
  readonly #options: UpstreamListOptions;
  readonly #members: readonly Member[];
  #current: Member;
  #sinceUnixMs: number;
  #reachability: Reachability = "untried";
  readonly #closing = new AbortController();
  #cancelProbe: () => void = () => undefined;
  #cancelChoice: () => void = () => undefined;

  constructor(options: UpstreamListOptions) {
    this.#options = options;
    this.#members = options.upstreams.map((upstream, index) => ({
      index,
      upstream,
      link: new UpstreamLink(options.times),
      sendFailed: false,
      lastTakenMs: Number.NEGATIVE_INFINITY,
      lastFailedMs: 0,
      leaving: new AbortController(),
      probing: false,
    }));
    const [first] = this.#members;
    if (!first) throw new RangeError("a list of upstreams has one at least");
    this.#current = first;
    this.#sinceUnixMs = options.clock.unixMs();
    if (this.#members.length > 1) this.#probeLater();
  }

  /** A request that was broken off on purpose shows nothing. */
  get reachability(): Reachability {
    return this.#reachability;
  }

  get inUse(): UpstreamInUse {
    return { index: this.#current.index, sinceUnixMs: this.#sinceUnixMs };
  }

  async send(message: Uint8Array, options: SendOptions): Promise<UpstreamAnswer> {
    const member = this.#current;
    const signal = AbortSignal.any([options.signal, member.leaving.signal]);
    const answer = await member.upstream.send(message, { ...options, signal });
    if (signal.aborted && answer.kind === "later" && !answer.reached) return answer;
    this.#seeAnswer(member, answer);
    return answer;
  }

  async probe(signal: AbortSignal): Promise<Reach> {
    return this.#current.upstream.probe(signal);
  }

  close(): void {
    this.#cancelProbe();
    this.#cancelChoice();
    this.#closing.abort();
    for (const { upstream } of this.#members) upstream.close();
  }

  #seeAnswer(member: Member, answer: UpstreamAnswer): void {
    const nowMs = this.#options.clock.monotonicMs();
    const reach = reachOf(answer);
    if (member === this.#current) this.#reachability = reachabilityOf(answer);
    if (reach === undefined) return;
    member.sendFailed = reach === "failing";
    if (member.sendFailed) member.lastFailedMs = nowMs;
    else member.lastTakenMs = nowMs;
    this.#see(member, reach);
    if (member.sendFailed) this.#chooseAt(member.link.settlesAtMs);
  }

  #see(member: Member, reach: Reach): void {
    const nowMs = this.#options.clock.monotonicMs();
    member.link.see(reach, nowMs);
    this.#choose();
  }

  /** An upstream that asks for a long pause must not be waited for when there is another. */
  #chooseAt(atMs: number | undefined): void {
    this.#cancelChoice();
    if (atMs === undefined || this.#members.length === 1 || this.#closing.signal.aborted) return;
    const { clock } = this.#options;
    this.#cancelChoice = clock.after(Math.max(1, atMs - clock.monotonicMs()), () => this.#choose());
  }

  #choose(): void {
    if (this.#closing.signal.aborted) return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const { link } of this.#members) link.settle(nowMs);
    const best = this.#best(nowMs);
    if (best !== this.#current) this.#use(best, nowMs);
  }

  /** The first of the highest rank; where all fail, the one that failed longest ago. */
  #best(nowMs: number): Member {
    return this.#members.reduce((best, member) => {
      const [rank, bestRank] = [member.link.rank(nowMs), best.link.rank(nowMs)];
      if (rank === 0 && bestRank === 0) return member.lastFailedMs < best.lastFailedMs ? member : best;
      return rank > bestRank ? member : best;
    });
  }

  #use(member: Member, nowMs: number): void {
    const left = this.#current;
    this.#current = member;
    this.#sinceUnixMs = this.#options.clock.unixMs();
    left.sendFailed = false;
    if (left.link.reach === "failing") {
      left.leaving.abort();
      left.leaving = new AbortController();
    }
    if (member.link.rank(nowMs) === 0) return;
    this.#reachability = member.link.reach === "open" ? "reachable" : "cut-off";
    this.#options.onSwitch(member.index);
  }

  #probeLater(): void {
    this.#cancelProbe = this.#options.clock.after(this.#options.times.probeMs, () => {
      for (const member of this.#members) void this.#probe(member);
      this.#choose();
      this.#probeLater();
    });
  }

  /** Asks one how it is, unless a message just showed it or the last probe is still under way. */
  async #probe(member: Member): Promise<void> {
    const { clock, times } = this.#options;
    const begunMs = clock.monotonicMs();
    if (member.probing || begunMs - member.lastTakenMs < times.probeMs) return;
    member.probing = true;
    const reach = await member.upstream.probe(this.#closing.signal);
    member.probing = false;
    if (this.#closing.signal.aborted || member.lastTakenMs > begunMs) return;
    if (!(member.sendFailed && reach !== "failing")) this.#see(member, reach);
  }
}

/** What an answer shows of its upstream; undefined when it is about the message alone. */
function reachOf(answer: UpstreamAnswer): Reach | undefined {
  if (answer.kind === "taken") return answer.cutOff ? "cut-off" : "open";
  if (answer.kind === "refused") return "open";
  return answer.concerns === "upstream" || answer.reason.startsWith("http-5") ? "failing" : undefined;
}

function reachabilityOf(answer: UpstreamAnswer): Reachability {
  if (answer.kind === "later") return answer.reached ? "reachable" : "unreachable";
  return answer.kind === "taken" && answer.cutOff ? "cut-off" : "reachable";
}
