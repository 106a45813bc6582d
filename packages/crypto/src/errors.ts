/** What failed inside the cryptography. docs/errors.md lists each. */
export type CryptoErrorCode =
  | "ERR_SEAL_BROKEN"
  | "ERR_KEY_COMMITMENT"
  | "ERR_DIGEST_MISMATCH"
  | "ERR_SIGNATURE_INVALID"
  | "ERR_SHARED_SECRET"
  | "ERR_RETURN_MISMATCH"
  | "ERR_SUITE_GUARD"
  | "ERR_PASSPHRASE_WRONG"
  | "ERR_PASSPHRASE_FORMAT";

/** Thrown by everything that opens or verifies. It never carries keys or contents. */
export class CryptoError extends Error {
  readonly code: CryptoErrorCode;
  readonly retryable = false;

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CryptoError";
    this.code = code;
  }
}
