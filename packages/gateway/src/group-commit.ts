/** One sync for everything that arrived in the same turn of the event loop. */

/** Calls `work` once, when the events at hand were handled. In production `setImmediate`. */
export type Defer = (work: () => void) => void;

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What a group commit does with its items. */
export interface GroupCommitOptions<T> {
  readonly defer: Defer;
  /** Makes everything that was added durable, or throws. */
  readonly sync: () => void;
  /** Called for each item in the order of adding, before its promise is kept. */
  readonly onDurable: (item: T) => void;
  /** Called for each item that was not made durable, before its promise is broken. */
  readonly onLost: (item: T) => void;
}

/** Collects items and syncs once for all of them. */
export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>;
  #waiting: Waiting<T>[] = [];
  #scheduled = false;

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options;
  }

  /** Kept when the item is durable, broken with the disk's error when it is not. */
  add(item: T): Promise<void> {
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#options.defer(() => this.flush());
    }
    return new Promise((resolve, reject) => this.#waiting.push({ item, resolve, reject }));
  }

  /** Syncs now. */
  flush(): void {
    this.#scheduled = false;
    if (this.#waiting.length === 0) return;
    try {
      this.#options.sync();
    } catch (error) {
      this.fail(error);
      return;
    }
    for (const { item, resolve } of this.#takeAll()) {
      this.#options.onDurable(item);
      resolve();
    }
  }

  /** Gives up everything that waits, because the disk failed meanwhile. */
  fail(error: unknown): void {
    for (const { item, reject } of this.#takeAll()) {
      this.#options.onLost(item);
      reject(error);
    }
  }

  #takeAll(): readonly Waiting<T>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
