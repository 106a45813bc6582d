/** Gap statements: what a terminal signs about a place that has no segment and never will. */
import { Gap, type BootId, type RoutingId, type SegmentPlace } from "@pericard/protocol";
import type { TerminalModule } from "@pericard/trsm";
import type { Clock } from "./clock.ts";
import type { Journal } from "./journal/journal.ts";

/** Signs gaps and puts them into the journal, where they wait for their receipts like segments. */
export class GapStatements {
  readonly #journal: Journal;
  readonly #module: TerminalModule;
  readonly #run: { readonly routing: RoutingId; readonly bootId: BootId; readonly clock: Clock };
  #statedCount = 0;

  constructor(
    journal: Journal,
    module: TerminalModule,
    run: { readonly routing: RoutingId; readonly bootId: BootId; readonly clock: Clock },
  ) {
    this.#journal = journal;
    this.#module = module;
    this.#run = run;
  }

  /** Gaps stated in this run. */
  get statedCount(): number {
    return this.#statedCount;
  }

  /** States one gap. It is durable after the journal's next sync. @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK. */
  state(place: SegmentPlace, cause: Gap["cause"]): void {
    const { routing, bootId, clock } = this.#run;
    const { recording, stream, sequence } = place;
    const payload = Gap.encode({
      routing,
      recording,
      stream,
      sequence,
      cause,
      bootId,
      monotonicMs: clock.monotonicMs(),
    });
    this.#journal.appendGap(this.#module.sign("pericard/gap", routing, payload), { recording, stream, sequence });
    this.#statedCount += 1;
  }
}
