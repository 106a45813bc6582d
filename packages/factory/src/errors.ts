/** What the factory refuses. docs/errors.md lists each. */
export type FactoryErrorCode = "ERR_DEPLOYMENT_PROOF";

export class FactoryError extends Error {
  readonly code: FactoryErrorCode;
  readonly retryable = false;

  constructor(code: FactoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FactoryError";
    this.code = code;
  }
}
