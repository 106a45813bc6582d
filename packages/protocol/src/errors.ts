/** What was wrong with bytes that should have been one of Pericard's structures. docs/errors.md lists each. */
export type ProtocolErrorCode =
  | "ERR_CBOR_MALFORMED"
  | "ERR_COSE_STRUCTURE"
  | "ERR_HEADER_MALFORMED"
  | "ERR_ALGORITHM_REFUSED"
  | "ERR_SUITE_UNKNOWN"
  | "ERR_TYPE_MISMATCH"
  | "ERR_FIELD_RANGE"
  | "ERR_LENGTH_LIMIT"
  | "ERR_PADDING_MALFORMED"
  | "ERR_CODEC_UNKNOWN";

/** Thrown by every decoder of this package. Never retryable: the same bytes fail the same way. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  readonly retryable = false;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProtocolError";
    this.code = code;
  }
}
