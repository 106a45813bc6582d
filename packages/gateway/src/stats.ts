/** What a gateway tells about itself to anyone who asks: numbers, no names. */
import type { Spool } from "./spool.ts";
import type { Reachability, WatchedUpstream } from "./upstream-watched.ts";

/** The body of /healthz. */
export interface GatewayStats {
  readonly status: "ok";
  /** Messages that wait. */
  readonly spoolItems: number;
  /** Bytes on disk of the messages that wait. */
  readonly spoolBytes: number;
  /** Bytes on disk at which messages are refused. */
  readonly spoolLimitBytes: number;
  readonly upstream: Reachability;
  /** When the message that waits longest came; null when none waits. */
  readonly oldestSpooledAtUnixMs: number | null;
  /** Messages since the start that the upstream will never take. Their terminals still have them. */
  readonly refusedCount: number;
  /** Runs of bytes, found at the start or when sending, that the disk did not give back as they were written. */
  readonly damagedCount: number;
}

/** Counts of what happened since the start. */
export interface Counters {
  refusedCount: number;
  damagedCount: number;
}

/** The numbers of this moment. */
export function readStats(
  spool: Spool,
  upstream: WatchedUpstream,
  counters: Readonly<Counters>,
  spoolLimitBytes: number,
): GatewayStats {
  return {
    status: "ok",
    spoolItems: spool.itemCount,
    spoolBytes: spool.sizeBytes,
    spoolLimitBytes,
    upstream: upstream.reachability,
    oldestSpooledAtUnixMs: spool.oldestAtUnixMs ?? null,
    refusedCount: counters.refusedCount,
    damagedCount: counters.damagedCount + spool.unusableCount,
  };
}
