/** Something that ends once, for one of several reasons, and then takes back what it arranged to hear of them. */
export class Ending<T> {
  /** Kept with the first reason. */
  readonly ended: Promise<T>;
  readonly #resolve: (reason: T) => void;
  #undo: (() => void)[] | undefined = [];

  constructor() {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  /** Ends it. Only the first call does anything. */
  end(reason: T): void {
    const undo = this.#undo;
    this.#undo = undefined;
    this.#resolve(reason);
    for (const work of undo ?? []) work();
  }

  /** Has `work` called at the end, or now when that was before. */
  undo(work: () => void): void {
    if (this.#undo) this.#undo.push(work);
    else work();
  }
}
