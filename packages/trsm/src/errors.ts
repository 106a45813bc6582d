/** What a secure module refuses. docs/errors.md lists each. */
export type TrsmErrorCode =
  | "ERR_TRSM_IMAGE_SIZE"
  | "ERR_TRSM_IMAGE_CHECKSUM"
  | "ERR_TRSM_IMAGE_FORMAT"
  | "ERR_TRSM_AUTHORISATION"
  | "ERR_TRSM_LOADED"
  | "ERR_TRSM_EMPTY"
  | "ERR_TRSM_COUNTER"
  | "ERR_TRSM_PROVISION";

/** Thrown by every adapter. It never carries keys. */
export class TrsmError extends Error {
  readonly code: TrsmErrorCode;
  readonly retryable = false;

  constructor(code: TrsmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TrsmError";
    this.code = code;
  }
}
