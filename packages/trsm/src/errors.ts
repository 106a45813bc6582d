/** What a secure module refuses, or cannot do. docs/errors.md lists each. */
export type TrsmErrorCode =
  | "ERR_TRSM_IMAGE_SIZE"
  | "ERR_TRSM_IMAGE_CHECKSUM"
  | "ERR_TRSM_IMAGE_FORMAT"
  | "ERR_TRSM_AUTHORISATION"
  | "ERR_TRSM_LOADED"
  | "ERR_TRSM_READ_OUT"
  | "ERR_TRSM_EMPTY"
  | "ERR_TRSM_COUNTER"
  | "ERR_TRSM_ROLLBACK"
  | "ERR_TRSM_PROVISION"
  | "ERR_TRSM_TPM"
  | "ERR_TRSM_DISK_FULL"
  | "ERR_TRSM_DISK"
  | "ERR_KEY_CHANGE_OLD"
  | "ERR_KEY_CHANGE_UNKNOWN"
  | "ERR_KEY_CHANGE_LIMIT";

/** Thrown by every adapter. It never carries keys. */
export class TrsmError extends Error {
  readonly code: TrsmErrorCode;
  /** Whether the same call may succeed later without anybody changing the module. */
  readonly retryable: boolean;

  constructor(code: TrsmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TrsmError";
    this.code = code;
    this.retryable = code === "ERR_TRSM_DISK_FULL" || code === "ERR_TRSM_TPM";
  }
}

const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Does work on the folder beside a module, so that what the disk refuses has a code of this package.
 *
 * @throws {TrsmError} ERR_TRSM_DISK_FULL, ERR_TRSM_DISK. What is no error of a disk is thrown as it is.
 */
export function onDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = String((cause as { readonly code?: unknown }).code);
    if (FULL.has(code)) throw new TrsmError("ERR_TRSM_DISK_FULL", "disk beside the module is full", { cause });
    if (/^E[A-Z0-9]+$/.test(code)) throw new TrsmError("ERR_TRSM_DISK", "disk beside the module failed", { cause });
    throw cause;
  }
}
