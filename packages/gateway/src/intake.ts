/** How many bytes of request bodies may be in memory at once. */
import { ENVELOPE_BYTES_MAX } from "@pericard/protocol";
import { GatewayError } from "./errors.ts";

/** Bytes that a request's body will take: what it declares, or the most that it may have when it declares nothing. */
export function declaredBytes(contentLength: string | undefined): number {
  const declared = /^\d{1,15}$/.test(contentLength ?? "") ? Number(contentLength) : ENVELOPE_BYTES_MAX;
  return Math.min(declared, ENVELOPE_BYTES_MAX);
}

/** A budget of bytes. */
export class Intake {
  readonly #bytesMax: number;
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes bytes until the function given back is called, once. @throws {GatewayError} ERR_GATEWAY_BUSY. */
  reserve(sizeBytes: number): () => void {
    if (this.#usedBytes + sizeBytes > this.#bytesMax) {
      throw new GatewayError("ERR_GATEWAY_BUSY", `${this.#usedBytes} bytes of messages are being taken in`);
    }
    this.#usedBytes += sizeBytes;
    return () => {
      this.#usedBytes -= sizeBytes;
    };
  }
}
