/**
 * Requests of a terminal for its own streams, one at a time: signed with the server's challenge, sent again until they are
 * answered, and believed only when the answer is the server's, for this request, and opens in the module.
 *
 * Source: docs/format.md §7.10.
 */
import { CryptoError, sha256, type RandomSource } from "@pericard/crypto";
import {
  decodeMail,
  encodeMail,
  FetchBack,
  FetchChallenge,
  parseSigned,
  ProtocolError,
  type FetchWanted,
  type ReturnedContent,
  type RoutingId,
  type SignedType,
} from "@pericard/protocol";
import type { SecureModule } from "@pericard/trsm";
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import type { ServerTrust } from "../server-trust.ts";
import { Backoff } from "../upload/backoff.ts";
import { isTransient } from "../upload/lane.ts";
import { isDelivered } from "../upload/sender.ts";
import type { PostAnswer, Transport } from "../upload/transport.ts";

/** Failures in a row after which a request is given up: about two minutes. */
const FAILURES_MAX = 8;
/** Refusals that another challenge or another contact number may mend, and the one that time mends. */
const TRY_AGAIN: ReadonlySet<string> = new Set(["ERR_FETCH_CHALLENGE", "ERR_FETCH_REPLAYED", "ERR_FETCH_RATE"]);

export interface FetchParts {
  readonly module: SecureModule;
  readonly routing: RoutingId;
  readonly trust: ServerTrust;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** What else came with an answer. */
  readonly takeMail: (mail: Uint8Array) => void;
}

/** What became of one request: an answer that it finds in the mail, or for how long to wait. */
type Outcome<T> = { readonly answer: T } | { readonly retryAfterMs: number | null };

export class FetchRequests {
  readonly #parts: FetchParts;
  readonly #backoff: Backoff;
  #challenge: Uint8Array | undefined;
  #failureCount = 0;

  constructor(parts: FetchParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.random);
  }

  /**
   * The server's answer.
   *
   * @throws {TerminalError} ERR_FETCH_REFUSED when the server will not give it, ERR_FETCH_UNANSWERED when nothing answers for
   * minutes or the signal is aborted.
   */
  async ask(wanted: FetchWanted, signal: AbortSignal): Promise<ReturnedContent> {
    for (;;) {
      const outcome = await this.#step(wanted, signal);
      if (outcome && "answer" in outcome) return outcome.answer;
      if (signal.aborted) throw new TerminalError("ERR_FETCH_UNANSWERED", "request was given up");
    }
  }

  /** One request: for a challenge when there is none. undefined when that was got, or has to be got first. */
  async #step(wanted: FetchWanted, signal: AbortSignal): Promise<Outcome<ReturnedContent> | undefined> {
    const challenge = this.#challenge;
    if (!challenge) {
      const outcome = await this.#send(null, (message) => this.#readChallenge(message), signal);
      if ("answer" in outcome) this.#challenge = outcome.answer;
      else await this.#rest(outcome.retryAfterMs, signal);
      return undefined;
    }
    const read = (message: Uint8Array, requestHash: Uint8Array): ReturnedContent | undefined =>
      this.#readReturned(message, requestHash);
    const outcome = await this.#send({ challenge, wanted }, read, signal);
    if ("answer" in outcome) this.#succeeded();
    else await this.#rest(outcome.retryAfterMs, signal);
    return outcome;
  }

  async #send<T>(
    asked: FetchBack["asked"],
    read: (message: Uint8Array, requestHash: Uint8Array) => T | undefined,
    signal: AbortSignal,
  ): Promise<Outcome<T>> {
    const { module, routing, transport, clock } = this.#parts;
    const { cycle, index } = module.keyUse;
    const payload = FetchBack.encode({ routing, contact: module.takeContact(), cycle, index, asked });
    const request = module.sign("pericard/fetch-back", routing, payload);
    const takenAtMs = clock.monotonicMs();
    try {
      const posted = await transport.post(request, { signal });
      if (!isDelivered(posted)) return { retryAfterMs: this.#refused(posted) };
      const answer = this.#find(posted.mail, sha256(request), read);
      // A gateway that is cut off takes everything and knows nothing: another one is asked next.
      if (answer === undefined) transport.doubt(posted.target, takenAtMs);
      else transport.heard(posted.target);
      return answer === undefined ? { retryAfterMs: null } : { answer };
    } catch (error) {
      if (!isTransient(error)) throw error;
      return { retryAfterMs: null };
    }
  }

  /** For how long to wait, when it is of use to ask again. @throws {TerminalError} ERR_FETCH_REFUSED when it is of none. */
  #refused({ status, problemCode, retryAfterMs }: PostAnswer): number | null {
    if (problemCode === "ERR_FETCH_CHALLENGE") this.#challenge = undefined;
    if (status >= 500 || status === 429 || (problemCode !== null && TRY_AGAIN.has(problemCode))) return retryAfterMs;
    throw new TerminalError("ERR_FETCH_REFUSED", `server gives nothing back: ${problemCode ?? `status ${status}`}`);
  }

  /** The answer in the mail; everything else goes where mail goes. */
  #find<T>(
    mail: Uint8Array | null,
    requestHash: Uint8Array,
    read: (message: Uint8Array, requestHash: Uint8Array) => T | undefined,
  ): T | undefined {
    let answer: T | undefined;
    const others: Uint8Array[] = [];
    for (const message of trying(() => (mail ? decodeMail(mail) : [])) ?? []) {
      if (!isFetchAnswer(message)) others.push(message);
      else answer = trying(() => read(message, requestHash)) ?? answer;
    }
    if (others.length > 0) this.#parts.takeMail(encodeMail(others));
    return answer;
  }

  #readChallenge(message: Uint8Array): Uint8Array | undefined {
    const { type, payload } = this.#parts.trust.verify(message);
    const isMine =
      type === "pericard/fetch-challenge" && FetchChallenge.decode(payload).routing === this.#parts.routing;
    return isMine ? message : undefined;
  }

  #readReturned(message: Uint8Array, requestHash: Uint8Array): ReturnedContent | undefined {
    const { module, routing, trust } = this.#parts;
    const { type, payload } = trust.verify(message);
    return type === "pericard/returned" ? module.openReturned(payload, { routing, requestHash }) : undefined;
  }

  #succeeded(): void {
    this.#failureCount = 0;
    this.#backoff.succeeded();
  }

  async #rest(retryAfterMs: number | null, signal: AbortSignal): Promise<void> {
    this.#failureCount += 1;
    if (this.#failureCount >= FAILURES_MAX) {
      throw new TerminalError("ERR_FETCH_UNANSWERED", "no answer of the server opened: ask again later");
    }
    await this.#parts.clock.sleep(this.#backoff.failed(retryAfterMs), signal);
  }
}

const ANSWER_TYPES: ReadonlySet<SignedType> = new Set<SignedType>(["pericard/fetch-challenge", "pericard/returned"]);

function isFetchAnswer(message: Uint8Array): boolean {
  return trying(() => ANSWER_TYPES.has(parseSigned(message).type)) ?? false;
}

/** undefined when what came is malformed, not the server's, or not for this terminal and request: anybody may have sent it. */
function trying<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const isUntrusted = error instanceof TerminalError && error.code === "ERR_SERVER_UNTRUSTED";
    if (isUntrusted || error instanceof ProtocolError || error instanceof CryptoError) return undefined;
    throw error;
  }
}
