/** The way to a server, directly or over gateways. */

/** One message to send. */
export interface PostOptions {
  /** Seconds for which the answer may wait for mail; only for a status. */
  readonly waitSeconds?: number;
  readonly signal: AbortSignal;
}

/** What answered. */
export interface PostAnswer {
  /** HTTP status, or what corresponds to it: 200 and 202 mean that the message reached the path. */
  readonly status: number;
  /** Signed messages of the mailbox as one CBOR array, not verified; null when there is none. */
  readonly mail: Uint8Array | null;
  /** Code of a refusal; null when there is none. */
  readonly problemCode: string | null;
  /** For how long the path asks to be left alone; null when it does not. */
  readonly retryAfterMs: number | null;
}

/** Carries signed messages. A new one is a file of this folder that makes one of these. */
export interface Transport {
  /** Sends one signed message. @throws {TerminalError} ERR_UPLOAD_UNREACHABLE or ERR_UPLOAD_ANSWER. */
  post(body: Uint8Array, options: PostOptions): Promise<PostAnswer>;
  /** Bytes of all bodies sent, repeated ones included. */
  readonly sentBytes: number;
  /** Where the last answer came from; null before the first, and when nothing answers. */
  readonly target: string | null;
  close(): void;
}
