/** Where messages go: a storage server, or another gateway. */
import type { Reach } from "./upstream-link.ts";

/** What the upstream said to one message, or why it said nothing. */
export type UpstreamAnswer =
  /**
   * It has the message: a server took it (200), a gateway spooled it (202). Mail is not verified. `cutOff`: a gateway
   * that says that it cannot pass anything on now.
   */
  | { readonly kind: "taken"; readonly mail: readonly Uint8Array[]; readonly cutOff: boolean }
  /** It will never take this message, and says so as a problem of Pericard's own. */
  | { readonly kind: "refused"; readonly status: number; readonly code: string; readonly title: string }
  | UpstreamLater;

/** The message may be taken another time. */
export interface UpstreamLater {
  readonly kind: "later";
  /** A word for logs: an errno, `timeout`, `aborted`, `http-503`, `answer`. */
  readonly reason: string;
  /** `message`: another message may well be taken now. `upstream`: none will. */
  readonly concerns: "message" | "upstream";
  /** Whether anything answered. */
  readonly reached: boolean;
  /** What the upstream asked for; 0 when it asked for nothing. */
  readonly retryAfterMs: number;
}

/** How one message is sent. */
export interface SendOptions {
  /** 0 to 30, for a status: how long the answer may wait for mail. */
  readonly waitSeconds: number;
  /** Breaks the request off. */
  readonly signal: AbortSignal;
}

/** The network as an argument. */
export interface Upstream {
  /** Sends a message, its bytes unchanged. Never rejects: what fails is an answer of kind `later`. */
  send(message: Uint8Array, options: SendOptions): Promise<UpstreamAnswer>;
  /** Asks how it is, without a message. Never rejects. */
  probe(signal: AbortSignal): Promise<Reach>;
  /** Lets go of idle connections. */
  close(): void;
}
