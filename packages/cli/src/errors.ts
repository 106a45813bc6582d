/** What the command line itself refuses. docs/errors.md lists each. */
export type CliErrorCode =
  | "ERR_USAGE"
  | "ERR_PASSPHRASE_MISSING"
  | "ERR_NOT_INSTALLED"
  | "ERR_EXPORT"
  | "ERR_FACTORY_FOLDER"
  | "ERR_KEYSTORE_ELSEWHERE"
  | "ERR_GATEWAY_AWAY";

export class CliError extends Error {
  readonly code: CliErrorCode;
  readonly retryable = false;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.code = code;
  }
}
