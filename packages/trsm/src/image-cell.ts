/**
 * Where an adapter keeps the 1,024 bytes and their counters. Within this package alone: whoever holds a cell and the
 * authorisation holds the keys.
 */
import type { CounterStore } from "./counters.ts";
import type { TrsmKind } from "./trsm.ts";

/** The place of one image. */
export interface ImageCell {
  readonly kind: TrsmKind;
  /** Whether an image was written to the end, so that none may be written again. */
  isLoaded(): boolean;
  /** Makes room for counters and image, and clears away what an interrupted load left. */
  prepare(authorisation: Uint8Array): void;
  /** Writes the image for good. Durable when it returns. The counters were created before. */
  write(authorisation: Uint8Array, image: Uint8Array): void;
  /** The image, 1,024 bytes. @throws {TrsmError} ERR_TRSM_AUTHORISATION; ERR_TRSM_TPM; ERR_TRSM_DISK. */
  read(authorisation: Uint8Array): Uint8Array;
  /** @throws {TrsmError} its `load` ERR_TRSM_ROLLBACK and ERR_TRSM_COUNTER, its `save` ERR_TRSM_DISK_FULL and others. */
  counters(authorisation: Uint8Array): CounterStore;
}
