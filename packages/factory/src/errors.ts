/** What the factory refuses. docs/errors.md lists each. */
export type FactoryErrorCode =
  | "ERR_DEPLOYMENT_PROOF"
  | "ERR_FACTORY_JOINED"
  | "ERR_FACTORY_NOT_JOINED"
  | "ERR_FACTORY_UNKNOWN"
  | "ERR_INTAKE_UNKNOWN"
  | "ERR_INTAKE_UNTRUSTED"
  | "ERR_TRANSFER_DUPLICATE"
  | "ERR_TRANSFER_EMPTY"
  | "ERR_TRANSFER_FORM"
  | "ERR_TRANSFER_PROOF"
  | "ERR_TRANSFER_SERIAL"
  | "ERR_TRANSFER_SUITE"
  | "ERR_TRANSFER_TENANT"
  | "ERR_SEQUENCE_DISK"
  | "ERR_SEQUENCE_DAMAGED"
  | "ERR_SEQUENCE_DUPLICATE"
  | "ERR_SEQUENCE_LIMIT";

/** Thrown by the factory. It never carries keys. */
export class FactoryError extends Error {
  readonly code: FactoryErrorCode;
  readonly retryable: boolean;

  constructor(code: FactoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FactoryError";
    this.code = code;
    this.retryable = code === "ERR_SEQUENCE_DISK";
  }
}
