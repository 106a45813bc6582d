/** What failed in a framed file. docs/errors.md lists each. */
export type FrameErrorCode =
  | "ERR_FRAME_DAMAGED"
  | "ERR_FRAME_TOO_LARGE"
  | "ERR_LOG_FORMAT"
  | "ERR_LOG_BROKEN"
  | "ERR_LOG_DISK_FULL"
  | "ERR_LOG_DISK"
  | "ERR_FOLDER_LOCKED";

/** Thrown by framed logs. After ERR_LOG_BROKEN the log must be closed and opened anew. */
export class FrameError extends Error {
  readonly code: FrameErrorCode;
  readonly retryable: boolean;

  constructor(code: FrameErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FrameError";
    this.code = code;
    this.retryable = code === "ERR_LOG_DISK_FULL";
  }
}
