/** What the lab refuses or finds. docs/errors.md lists each. */
export type LabErrorCode =
  | "ERR_CHILD_FAILED"
  | "ERR_VIEWER_BUILD"
  | "ERR_READ_BACK"
  | "ERR_ATTACK_UNDECIDED"
  | "ERR_PICTURE";

export class LabError extends Error {
  readonly code: LabErrorCode;
  readonly retryable = false;

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LabError";
    this.code = code;
  }
}
