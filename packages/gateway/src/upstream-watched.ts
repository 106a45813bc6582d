/** An upstream of which one knows whether it was reached last time. */
import type { SendOptions, Upstream, UpstreamAnswer } from "./upstream.ts";

/** What the last exchange showed. */
export type Reachability = "reachable" | "unreachable" | "untried";

/** Passes everything on and remembers whether anything answered. */
export class WatchedUpstream implements Upstream {
  readonly #inner: Upstream;
  #reachability: Reachability = "untried";

  constructor(inner: Upstream) {
    this.#inner = inner;
  }

  /** A request that was broken off on purpose shows nothing. */
  get reachability(): Reachability {
    return this.#reachability;
  }

  async send(message: Uint8Array, options: SendOptions): Promise<UpstreamAnswer> {
    const answer = await this.#inner.send(message, options);
    if (answer.kind !== "later" || answer.reached) this.#reachability = "reachable";
    else if (!options.signal.aborted) this.#reachability = "unreachable";
    return answer;
  }

  close(): void {
    this.#inner.close();
  }
}
