/** A thread that is sent groups, and a group gathers while the one before is being written. */
import { Worker } from "node:worker_threads";

/** Least time from one group to the next: a sync costs the same for one item as for many. */
const GROUP_MS = 8;

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
}

/** Items in, results out, a group at a time. */
export class GroupThread<Item, Result> {
  readonly #worker: Worker;
  readonly #toMessage: (items: readonly Item[]) => unknown;
  #gathering: Waiting<Item, Result>[] = [];
  #writing: Waiting<Item, Result>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #begunMs = 0;
  itemCount = 0;
  groupCount = 0;

  /** `toMessage` makes what the thread is sent; nothing else is done with the items before it answers. */
  constructor(module: URL, workerData: unknown, toMessage: (items: readonly Item[]) => unknown) {
    this.#toMessage = toMessage;
    this.#worker = new Worker(module, { workerData });
    this.#worker.on("message", (results: readonly Result[]) => this.#written(results));
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve) => {
      this.#gathering.push({ item, resolve });
      this.#schedule();
    });
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }

  #schedule(): void {
    if (this.#writing.length > 0 || this.#timer || this.#gathering.length === 0) return;
    const restMs = this.#begunMs + GROUP_MS - performance.now();
    this.#timer = setTimeout(() => this.#write(), Math.max(0, restMs));
  }

  #write(): void {
    this.#timer = undefined;
    this.#begunMs = performance.now();
    this.#writing = this.#gathering;
    this.#gathering = [];
    this.itemCount += this.#writing.length;
    this.groupCount += 1;
    this.#worker.postMessage(this.#toMessage(this.#writing.map(({ item }) => item)));
  }

  #written(results: readonly Result[]): void {
    const group = this.#writing;
    this.#writing = [];
    for (const [i, { resolve }] of group.entries()) resolve(results[i] as Result);
    this.#schedule();
  }
}
