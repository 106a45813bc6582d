/** What the key store and the custody of its key refuse. docs/errors.md lists each. */
export type CustodyErrorCode =
  | "ERR_KEK_PASSPHRASE"
  | "ERR_KEK_PASSPHRASE_FILE"
  | "ERR_KEK_FILE"
  | "ERR_KEK_CHANGED"
  | "ERR_KEK_TOKEN"
  | "ERR_ROOT_KEY"
  | "ERR_ROOT_KEY_PASSPHRASE"
  | "ERR_SERVER_KEY_TIME"
  | "ERR_SERVER_KEY_VERSION"
  | "ERR_SEQUENCE_INDEX"
  | "ERR_KEYSTORE_MISSING"
  | "ERR_KEYSTORE_EXISTS"
  | "ERR_KEYSTORE_FORMAT"
  | "ERR_KEYSTORE_COPY"
  | "ERR_KEYSTORE_UNAVAILABLE"
  | "ERR_KEYSTORE_DAMAGED"
  | "ERR_KEYSTORE_DIVERGED"
  | "ERR_TERMINAL_UNKNOWN"
  | "ERR_TERMINAL_STATE"
  | "ERR_INTAKE_LIMIT"
  | "ERR_INTAKE_FACTORY"
  | "ERR_KEY_CHANGE_VERSION"
  | "ERR_PATIENT_UNKNOWN"
  | "ERR_PATIENT_EXISTS"
  | "ERR_RECORDING_UNKNOWN"
  | "ERR_RECORDING_ERASED"
  | "ERR_ERASURE_UNKNOWN"
  | "ERR_LEGAL_HOLD"
  | "ERR_HOLD_UNKNOWN"
  | "ERR_ACCOUNT_UNKNOWN"
  | "ERR_SIGN_IN_LINK";

/** Thrown by custody. It never carries keys, names or contents. */
export class CustodyError extends Error {
  readonly code: CustodyErrorCode;
  readonly retryable: boolean;

  constructor(code: CustodyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CustodyError";
    this.code = code;
    this.retryable = code === "ERR_KEYSTORE_COPY" || code === "ERR_KEYSTORE_UNAVAILABLE";
  }
}
