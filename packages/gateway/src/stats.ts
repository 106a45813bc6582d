/** What a gateway tells about itself to anyone who asks: numbers, no names. */
import type { Spool } from "./spool.ts";
import type { Reachability, UpstreamList } from "./upstream-list.ts";

/** The body of /healthz. */
export interface GatewayStats {
  /** `full`: messages are refused until there is room. `disk`: they are refused until the disk works. */
  readonly status: "ok" | "full" | "disk";
  /** Messages that wait. */
  readonly spoolItems: number;
  /** Bytes on disk of the messages that wait. */
  readonly spoolBytes: number;
  /** Bytes on disk of the whole spool: what waits, and what is not given back yet. */
  readonly spoolDiskBytes: number;
  /** Bytes on disk at which messages are refused. */
  readonly spoolLimitBytes: number;
  /** Bytes that came in over the last day; null when less than ten minutes were seen. */
  readonly intakeBytesPerDay: number | null;
  /** For how many days the spool has room if nothing is forwarded from now on, at that rate; null without one. */
  readonly daysLeft: number | null;
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
    status: spool.state,
    spoolItems: spool.itemCount,
    spoolBytes: spool.sizeBytes,
    spoolDiskBytes: spool.diskBytes,
    spoolLimitBytes,
    intakeBytesPerDay: spool.intakeBytesPerDay ?? null,
    daysLeft: daysLeft(spool, spoolLimitBytes),
    upstream: upstream.reachability,
    upstreamIndex: upstream.inUse.index,
    upstreamSinceUnixMs: upstream.inUse.sinceUnixMs,
    oldestSpooledAtUnixMs: spool.oldestAtUnixMs ?? null,
    refusedCount: counters.refusedCount,
    damagedCount: counters.damagedCount + spool.unusableCount,
  };
}

function daysLeft({ sizeBytes, intakeBytesPerDay = 0 }: Spool, spoolLimitBytes: number): number | null {
  if (intakeBytesPerDay === 0) return null;
  return Math.max(0, Math.round((100 * (spoolLimitBytes - sizeBytes)) / intakeBytesPerDay) / 100);
}
