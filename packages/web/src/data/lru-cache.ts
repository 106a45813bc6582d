/** A map that forgets what was used longest ago once the costs of its values exceed a budget. */
export class LruCache<Value> {
  readonly #entries = new Map<string, { readonly value: Value; readonly cost: number }>();
  readonly #budget: number;
  #cost = 0;

  /** @param budget sum of costs kept, above 0; a single value above it is kept until the next one comes. */
  constructor(budget: number) {
    if (!(budget > 0)) throw new RangeError(`budget: expected above 0, got ${budget}`);
    this.#budget = budget;
  }

  /** Sum of the costs of what is kept. */
  get cost(): number {
    return this.#cost;
  }

  /** Value without marking it as used. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Marks as used just now. */
  touch(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  /** Adds or replaces, as used just now, and forgets the oldest others while over budget. */
  set(key: string, value: Value, cost: number): void {
    this.#remove(key);
    this.#entries.set(key, { value, cost });
    this.#cost += cost;
    for (const oldest of this.#entries.keys()) {
      if (this.#cost <= this.#budget || oldest === key) return;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#cost -= this.#entries.get(key)?.cost ?? 0;
    this.#entries.delete(key);
  }
}
