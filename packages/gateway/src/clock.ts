/** Time as an argument. */
export interface Clock {
  /** Milliseconds since 1970 in UTC, as the machine's clock claims. It may step either way. */
  unixMs(): number;
  /** Milliseconds from some fixed moment; never steps back. */
  monotonicMs(): number;
  /** Calls `work` once after that many milliseconds, unless the function given back is called before. */
  after(delayMs: number, work: () => void): () => void;
}
