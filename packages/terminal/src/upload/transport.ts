/** The way to a server, directly or over gateways. */

/** One message to send. */
export interface PostOptions {
  /** Seconds for which the answer may wait for mail; only for a status. */
  readonly waitSeconds?: number;
  readonly signal: AbortSignal;
}

/** What one target answered. */
export interface WayAnswer {
  /** HTTP status, or what corresponds to it: 200 and 202 mean that the message reached the path. */
  readonly status: number;
  /** Signed messages of the mailbox as one CBOR array, not verified; null when there is none. */
  readonly mail: Uint8Array | null;
  /** Code of a refusal; null when there is none. */
  readonly problemCode: string | null;
  /** For how long the path asks to be left alone; null when it does not. */
  readonly retryAfterMs: number | null;
  /** Whether it is a gateway that says that it can pass nothing on now: what it took waits there. */
  readonly cutOff: boolean;
}

/** One way to one target. A new one is a file of this folder that makes one of these, and a line in way.ts. */
export interface Way {
  /** Sends one signed message. @throws {TerminalError} ERR_UPLOAD_UNREACHABLE or ERR_UPLOAD_ANSWER. */
  post(body: Uint8Array, options: PostOptions): Promise<WayAnswer>;
  close(): void;
}

/** Whom a terminal trusts on the network, and what it shows of itself, as texts of PEM files. */
export interface TlsTrust {
  /** Who signs targets' certificates; undefined for those whom the system trusts. */
  readonly ca?: string;
  /** Both or none. */
  readonly cert?: string;
  readonly key?: string;
}

/** When a connection that stands still is given up, in milliseconds. */
export const IDLE_TIMEOUT_MS = 30_000;

/** How ways are made. */
export interface WayOptions {
  readonly idleTimeoutMs?: number;
  readonly tls?: TlsTrust;
}

/** What answered, and where. */
export interface PostAnswer extends WayAnswer {
  readonly target: string;
}

/** Carries signed messages to whichever target serves. */
export interface Transport {
  /** Sends one signed message. @throws {TerminalError} ERR_UPLOAD_UNREACHABLE or ERR_UPLOAD_ANSWER. */
  post(body: Uint8Array, options: PostOptions): Promise<PostAnswer>;
  /** Is told that a target brought news of the server. */
  heard(target: string): void;
  /** Is told that what a target took at that time of the monotonic clock has had no receipt: others are preferred for a while. */
  doubt(target: string, takenAtMs: number): void;
  /**
   * The monotonic clock since which a target has brought nothing although it could: infinite while it is cut off. What it
   * took while it was may still be on its way as long as it brings news.
   */
  quietSinceMs(target: string): number;
  /** The target that would be asked first now. */
  readonly preferred: string | null;
  /** Bytes of all bodies sent, repeated ones included. */
  readonly sentBytes: number;
  /** Where the last answer came from; null before the first, and when nothing answers. */
  readonly target: string | null;
  close(): void;
}
