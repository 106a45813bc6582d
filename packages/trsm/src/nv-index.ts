/**
 * The port of a TPM 2.0's non-volatile memory: what the `tpm` adapter asks of it.
 *
 * Source: TPM 2.0 Library specification, part 2 §13 (NV storage structures), part 3 §31 (non-volatile storage).
 */

/** What two indices of a module are for. */
export type NvPurpose = "image" | "counter";

/** An index that a TPM has. */
export interface NvIndex {
  /** Whether its size and attributes are those that {@link TpmMemory.define} gives an index of that purpose. */
  readonly purpose: NvPurpose | "other";
  /** Whether it can never be written again. */
  readonly writeLocked: boolean;
}

/** A TPM's non-volatile memory. Each call throws TrsmError ERR_TRSM_TPM when the TPM or its tools do not do it. */
export interface TpmMemory {
  /** undefined when there is no such index. */
  find(index: number): NvIndex | undefined;
  /** Defines an index that `authorisation`, 32 bytes, reads: 1,024 bytes that its owner writes until they are locked, or a counter. */
  define(index: number, purpose: NvPurpose, authorisation: Uint8Array): void;
  /** Removes an index and what it holds. */
  undefine(index: number): void;
  /** Writes a whole image as the TPM's owner. */
  write(index: number, bytes: Uint8Array): void;
  /** Locks an image for good: until it is removed nobody writes it again. */
  lock(index: number): void;
  /** Reads a whole index. @throws {TrsmError} ERR_TRSM_AUTHORISATION when the value is wrong. */
  read(index: number, sizeBytes: number, authorisation: Uint8Array): Uint8Array;
  /** Adds 1 to a counter; durable when it returns. @throws {TrsmError} ERR_TRSM_AUTHORISATION when the value is wrong. */
  increment(index: number, authorisation: Uint8Array): void;
}
