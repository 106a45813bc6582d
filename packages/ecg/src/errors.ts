/** Every way in which this package refuses input. One class, a literal union of codes, so that `switch (err.code)` narrows. */

/** What went wrong; each code is listed with cause and remedy in docs/errors.md. */
export type EcgErrorCode =
  | "ERR_WAVEFORM_FORMAT"
  | "ERR_SAMPLES_RANGE"
  | "ERR_SAMPLES_SHAPE"
  | "ERR_STREAM_MISALIGNED"
  | "ERR_WFDB_HEADER"
  | "ERR_WFDB_LIMIT"
  | "ERR_WFDB_MULTI_SEGMENT"
  | "ERR_WFDB_FORMAT"
  | "ERR_WFDB_FILE_NAME"
  | "ERR_WFDB_SIGNAL_FILE"
  | "ERR_WFDB_CHECKSUM"
  | "ERR_CODEC_MALFORMED"
  | "ERR_CODEC_LIMIT"
  | "ERR_CODEC_UNKNOWN";

/** The one error class of `ecg`. Messages name the subject, lengths and names, never sample values. */
export class EcgError extends Error {
  override readonly name = "EcgError";
  /** Stable identifier of the failure. */
  readonly code: EcgErrorCode;
  /** Whether the same call may succeed later; false throughout this package, except for a failed read of a file port. */
  readonly retryable: boolean;

  constructor(code: EcgErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}
