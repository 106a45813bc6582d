/**
 * Which item goes upstream next.
 *
 * Each routing id is a lane: its items go in order, one at a time. Between lanes, the oldest item that is still fresh
 * and the oldest of the backlog take turns. While something fresh waits or is on its way, no more of the backlog is on
 * its way beside it than of what is fresh, and the backlog never has every place: so half of the uplink goes to what
 * someone may be watching.
 *
 * Source: docs/operating/gateway.md.
 */
import type { RoutingId } from "@pericard/protocol";
import { FORWARD_CONCURRENCY, FRESH_MS } from "./limits.ts";
import { MinHeap } from "./min-heap.ts";
import type { SpoolItem } from "./spool-ledger.ts";

type Kind = "fresh" | "backlog";

interface Lane {
  readonly items: SpoolItem[];
  /** Index of the first item that waits; those before it are done. */
  head: number;
  /** Set while the lane rests after a failure, on the monotonic clock. */
  restsUntilMs: number;
  failureCount: number;
  /** As what its first item is on its way; undefined when it is not. */
  sending: Kind | undefined;
}

/** The two clocks at one moment. */
export interface Moment {
  readonly unixMs: number;
  readonly monotonicMs: number;
}

const COMPACT_AT = 1024;

function headOf(lane: Lane): SpoolItem | undefined {
  return lane.items[lane.head];
}

function orderOf(lane: Lane): number {
  return headOf(lane)?.order ?? 0;
}

/** Items that wait to be sent. A lane is in one of three heaps, or its first item is being sent. */
export class SendQueue {
  readonly #lanes = new Map<RoutingId, Lane>();
  readonly #fresh = new MinHeap<Lane>(orderOf);
  readonly #backlog = new MinHeap<Lane>(orderOf);
  readonly #resting = new MinHeap<Lane>((lane) => lane.restsUntilMs);
  readonly #sendingCount: Record<Kind, number> = { fresh: 0, backlog: 0 };
  #freshIsNext = true;

  /** Puts an item behind all others of its routing id. */
  push(item: SpoolItem): void {
    const lane = this.#lanes.get(item.routing);
    if (lane) {
      lane.items.push(item);
      return;
    }
    const begun: Lane = { items: [item], head: 0, restsUntilMs: 0, failureCount: 0, sending: undefined };
    this.#lanes.set(item.routing, begun);
    this.#fresh.push(begun);
  }

  /** The item to send now, or undefined. Its lane gives no other until {@link done} or {@link retry}. */
  take(now: Moment): SpoolItem | undefined {
    this.#wake(now.monotonicMs);
    this.#age(now.unixMs);
    const kind = this.#choose();
    const lane = kind && this.#heapOf(kind).pop();
    if (!kind || !lane) return undefined;
    lane.sending = kind;
    this.#sendingCount[kind] += 1;
    this.#freshIsNext = kind === "backlog";
    return headOf(lane);
  }

  /** When the next resting lane wakes, on the monotonic clock, or undefined when none rests. */
  get nextWakeMs(): number | undefined {
    return this.#resting.peek()?.restsUntilMs;
  }

  /** How often the item that was taken last from this lane has failed. */
  failureCountOf(item: SpoolItem): number {
    return this.#lanes.get(item.routing)?.failureCount ?? 0;
  }

  /** The taken item waits no more. */
  done(item: SpoolItem): void {
    const lane = this.#lanes.get(item.routing);
    if (!lane || headOf(lane)?.order !== item.order) return;
    this.#arrived(lane);
    lane.head += 1;
    lane.failureCount = 0;
    if (lane.head === lane.items.length) this.#lanes.delete(item.routing);
    else this.#fresh.push(compacted(lane));
  }

  /** The taken item is to be sent again, not before that time on the monotonic clock. */
  retry(item: SpoolItem, restsUntilMs: number): void {
    const lane = this.#lanes.get(item.routing);
    if (!lane || headOf(lane)?.order !== item.order) return;
    this.#arrived(lane);
    lane.failureCount += 1;
    lane.restsUntilMs = restsUntilMs;
    this.#resting.push(lane);
  }

  /** Lets every lane rest no longer. */
  wakeAll(): void {
    this.#wake(Number.POSITIVE_INFINITY);
  }

  #wake(monotonicMs: number): void {
    for (let lane = this.#resting.peek(); lane && lane.restsUntilMs <= monotonicMs; lane = this.#resting.peek()) {
      this.#resting.pop();
      this.#fresh.push(lane);
    }
  }

  /** Every lane enters as fresh and moves on when its first item is seen to be old. */
  #age(unixMs: number): void {
    for (let lane = this.#fresh.peek(); lane; lane = this.#fresh.peek()) {
      if (unixMs - (headOf(lane)?.receivedAtUnixMs ?? 0) < FRESH_MS) return;
      this.#fresh.pop();
      this.#backlog.push(lane);
    }
  }

  /** The kind that did not have the last turn, when it has something that may go now; or the other one. */
  #choose(): Kind | undefined {
    const hasFresh = this.#fresh.peek() !== undefined;
    const { fresh, backlog } = this.#sendingCount;
    const backlogMax = hasFresh || fresh > 0 ? Math.max(1, fresh) : FORWARD_CONCURRENCY - 1;
    const mayBacklog = this.#backlog.peek() !== undefined && backlog < backlogMax;
    if (hasFresh && (this.#freshIsNext || !mayBacklog)) return "fresh";
    return mayBacklog ? "backlog" : undefined;
  }

  #heapOf(kind: Kind): MinHeap<Lane> {
    return kind === "fresh" ? this.#fresh : this.#backlog;
  }

  #arrived(lane: Lane): void {
    if (lane.sending) this.#sendingCount[lane.sending] -= 1;
    lane.sending = undefined;
  }
}

/** Lets go of done items now and then, so that a lane that is never empty does not grow. */
function compacted(lane: Lane): Lane {
  if (lane.head < COMPACT_AT || lane.head * 2 < lane.items.length) return lane;
  lane.items.splice(0, lane.head);
  lane.head = 0;
  return lane;
}
