/** An upstream in memory: every message waits until the test says how it is answered. */
import { parseSigned, RoutingId } from "@pericard/protocol";
import type { Reach, SendOptions, Upstream, UpstreamAnswer, UpstreamLater } from "@pericard/gateway";
import { hex } from "./spools.ts";

/** One message on its way. */
export interface Sent {
  readonly message: string;
  readonly routing: RoutingId;
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
  reply(answer: UpstreamAnswer): void;
}

export const TAKEN: UpstreamAnswer = { kind: "taken", mail: [], cutOff: false };

/** An answer for later. */
export function laterAnswer(changes: Partial<UpstreamLater> = {}): UpstreamLater {
  return { kind: "later", reason: "http-503", concerns: "upstream", reached: true, retryAfterMs: 0, ...changes };
}

/** An upstream whose answers are given by hand. */
export class ScriptedUpstream implements Upstream {
  /** Messages that have not been answered. */
  readonly open: Sent[] = [];
  /** All messages, as hexadecimal, in the order in which they were sent. */
  readonly history: string[] = [];

  async send(message: Uint8Array, { waitSeconds, signal }: SendOptions): Promise<UpstreamAnswer> {
    const routing = RoutingId.fromBytes(parseSigned(message).keyIdBytes);
    this.history.push(hex(message));
    return new Promise((resolve) => {
      const reply = (answer: UpstreamAnswer): void => {
        const at = this.open.indexOf(sent);
        if (at >= 0) this.open.splice(at, 1);
        resolve(answer);
      };
      const sent: Sent = { message: hex(message), routing, waitSeconds, signal, reply };
      this.open.push(sent);
      signal.addEventListener("abort", () => reply(laterAnswer({ reason: "aborted", reached: false })));
    });
  }

  /** What a probe is told. */
  health: Reach = "open";

  async probe(): Promise<Reach> {
    return this.health;
  }

  close(): void {
    for (const sent of this.open.splice(0)) sent.reply(laterAnswer());
  }
}
