/** Signed answers of the terminal that wait for the next contact. One that is lost is asked for again by the server. */

/** Answers that wait at the same time, at most. */
const ANSWERS_MAX = 8;

/** What was answered and not sent yet, oldest first. */
export class Answers {
  #waiting: readonly Uint8Array[] = [];

  /** Puts one in, the same bytes only once; over the bound, the oldest goes. */
  put(answer: Uint8Array): void {
    const others = this.#waiting.filter((waiting) => Buffer.compare(waiting, answer) !== 0);
    this.#waiting = [...others, answer].slice(-ANSWERS_MAX);
  }

  /** The oldest, which is then gone; undefined when none waits. */
  take(): Uint8Array | undefined {
    const [first, ...rest] = this.#waiting;
    this.#waiting = rest;
    return first;
  }
}
