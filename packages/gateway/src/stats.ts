/** What a gateway tells about itself to anyone who asks: numbers, no names. */
import type { Spool } from "./spool.ts";
import type { Reachability, UpstreamList } from "./upstream-list.ts";

/** The body of /healthz. */
export interface GatewayStats {
  readonly status: "ok";
  /** Messages that wait. */
  readonly spoolItems: number;
  /** Bytes on disk of the messages that wait. */
  readonly spoolBytes: number;
  /** Bytes on disk at which messages are refused. */
  readonly spoolLimitBytes: number;
  /** How the upstream in use is. `cut-off`: a gateway that says that it cannot pass anything on. */
  readonly upstream: Reachability;
  /** Which of the configured upstreams is in use, from 0, and since when. */
  readonly upstreamIndex: number;
  readonly upstreamSinceUnixMs: number;
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
  upstream: UpstreamList,
  counters: Readonly<Counters>,
  spoolLimitBytes: number,
): GatewayStats {
  return {
    status: "ok",
    spoolItems: spool.itemCount,
    spoolBytes: spool.sizeBytes,
    spoolLimitBytes,
    upstream: upstream.reachability,
    upstreamIndex: upstream.inUse.index,
    upstreamSinceUnixMs: upstream.inUse.sinceUnixMs,
    oldestSpooledAtUnixMs: spool.oldestAtUnixMs ?? null,
    refusedCount: counters.refusedCount,
    damagedCount: counters.damagedCount + spool.unusableCount,
  };
}
