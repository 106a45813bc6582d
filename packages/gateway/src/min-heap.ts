/** Keeps values so that the one with the smallest rank is found at once; equal ranks come out in any order. */
export class MinHeap<T> {
  readonly #rank: (value: T) => number;
  readonly #values: T[] = [];

  /** `rank` of a value must not change while the value is in. */
  constructor(rank: (value: T) => number) {
    this.#rank = rank;
  }

  /** The value with the smallest rank, left in. */
  peek(): T | undefined {
    return this.#values[0];
  }

  push(value: T): void {
    let at = this.#values.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = this.#values[above] as T;
      if (this.#rank(other) <= this.#rank(value)) break;
      this.#values[at] = other;
      at = above;
    }
    this.#values[at] = value;
  }

  /** Takes the value with the smallest rank out. */
  pop(): T | undefined {
    const first = this.#values[0];
    const last = this.#values.pop();
    if (last !== undefined && this.#values.length > 0) this.#sink(last);
    return first;
  }

  #sink(value: T): void {
    const values = this.#values;
    let at = 0;
    for (let child = 1; child < values.length; child = 2 * at + 1) {
      const right = values[child + 1];
      if (right !== undefined && this.#rank(right) < this.#rank(values[child] as T)) child += 1;
      const smaller = values[child] as T;
      if (this.#rank(value) <= this.#rank(smaller)) break;
      values[at] = smaller;
      at = child;
    }
    values[at] = value;
  }
}
