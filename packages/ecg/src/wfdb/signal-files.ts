/** The port through which signal files are read: this package does no I/O. */

/** Read-only access to the files beside a header. Names are plain (no separator, no `..`), as checked by the header parser. */
export interface SignalFiles {
  /** Size of the file in bytes. Rejects when there is no such file. */
  sizeBytes(name: string): Promise<number>;
  /** Exactly `lengthBytes` bytes from `offsetBytes`; fewer bytes are taken as a truncated file. */
  read(name: string, offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
}
