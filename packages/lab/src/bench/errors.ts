/** What a benchmark cannot go on from. docs/errors.md lists each. */
export type BenchErrorCode = "ERR_BENCH_CHILD" | "ERR_BENCH_REFUSED" | "ERR_BENCH_OPTION";

export class BenchError extends Error {
  readonly code: BenchErrorCode;
  readonly retryable = false;

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BenchError";
    this.code = code;
  }
}
