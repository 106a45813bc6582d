/** The statement that a terminal signs at each contact. Source: docs/format.md §7.5. */
import { Status, type BootId, type RoutingId, type StreamHead } from "@pericard/protocol";
import type { TerminalModule } from "@pericard/trsm";
import type { Clock } from "../clock.ts";
import type { Journal } from "../journal/journal.ts";

/** What a status says beside what module and journal know. */
export interface StatusParts {
  readonly journal: Journal;
  readonly module: TerminalModule;
  readonly clock: Clock;
  readonly routing: RoutingId;
  readonly bootId: BootId;
  readonly mailSeen: number;
  readonly segmentLengthMs: number;
  readonly heads: readonly StreamHead[];
}

/** The signed bytes of one status, with a contact number that no other has. */
export function signStatus(parts: StatusParts): Uint8Array {
  const { journal, module, clock, routing, bootId, mailSeen, segmentLengthMs, heads } = parts;
  const { cycle, index, use, policyVersion } = module.keyUse;
  const payload = Status.encode({
    routing,
    bootId,
    mailSeen,
    policyVersion,
    segmentLengthMs,
    cycle,
    index,
    use,
    heads,
    contact: module.takeContact(),
    monotonicMs: clock.monotonicMs(),
    clockUnixMs: clock.unixMs(),
    journalItemCount: journal.pending.size,
    journalBytes: journal.sizeBytes,
    journalLimitBytes: journal.limitBytes,
    quarantineCount: journal.quarantined.size,
  });
  return module.sign("pericard/status", routing, payload);
}
