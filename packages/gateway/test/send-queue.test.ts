import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SendQueue } from "../src/send-queue.ts";
import type { SpoolItem } from "../src/spool-ledger.ts";
import { routingOf } from "./support/messages.ts";

const NOW = { unixMs: 1_000_000, monotonicMs: 1000 };
const POSITION = { fileNumber: 0, offsetBytes: 0, sizeBytes: 1 };

function item(order: number, terminal: number, ageMs = 0): SpoolItem {
  const receivedAtUnixMs = NOW.unixMs - ageMs;
  return { order, routing: routingOf(terminal), fingerprint: "", client: "a", receivedAtUnixMs, position: POSITION };
}

function queueOf(...items: readonly SpoolItem[]): SendQueue {
  const queue = new SendQueue();
  for (const one of items) queue.push(one);
  return queue;
}

function takeAll(queue: SendQueue, now = NOW): readonly number[] {
  const orders: number[] = [];
  for (let one = queue.take(now); one; one = queue.take(now)) {
    orders.push(one.order);
    queue.done(one);
  }
  return orders;
}

describe("a send queue", () => {
  test("gives one item of a routing id at a time, in order", () => {
    const queue = queueOf(item(1, 1), item(2, 1), item(3, 2), item(4, 1));
    const first = queue.take(NOW);
    const second = queue.take(NOW);
    expect([first?.order, second?.order]).toEqual([1, 3]);
    expect(queue.take(NOW)).toBeUndefined();
    if (first) queue.done(first);
    expect(queue.take(NOW)?.order).toBe(2);
    expect(queue.take(NOW)).toBeUndefined();
  });

  test("alternates between the oldest fresh item and the oldest of the backlog", () => {
    const backlog = [1, 2, 3, 4].map((order) => item(order, order, 60_000));
    const fresh = [11, 12, 13].map((order) => item(order, order, 59_999));
    expect(takeAll(queueOf(...backlog, ...fresh))).toEqual([11, 1, 12, 2, 13, 3, 4]);
  });

  test("lets the backlog have seven places of eight, and beside what is fresh no more than that has", () => {
    const backlog = Array.from({ length: 20 }, (_, i) => item(i, i, 60_000));
    const queue = queueOf(...backlog);
    const taken: SpoolItem[] = [];
    for (let one = queue.take(NOW); one; one = queue.take(NOW)) taken.push(one);
    expect(taken).toHaveLength(7);
    queue.push(item(100, 100));
    expect(queue.take(NOW)?.order).toBe(100);
    for (const one of taken.slice(0, 6)) queue.done(one);
    expect(queue.take(NOW)).toBeUndefined();
    queue.done(taken[6] ?? item(0, 0));
    expect([queue.take(NOW)?.order, queue.take(NOW)]).toEqual([7, undefined]);
  });

  test("gives everything to one kind when there is no other", () => {
    expect(takeAll(queueOf(item(1, 1, 90_000), item(2, 2, 80_000)))).toEqual([1, 2]);
    expect(takeAll(queueOf(item(1, 1), item(2, 2)))).toEqual([1, 2]);
  });

  test("keeps the order of a routing id even when its newest item is fresh", () => {
    const queue = queueOf(item(1, 1, 90_000), item(2, 2, 90_000), item(3, 1, 0), item(4, 3, 0));
    expect(takeAll(queue)).toEqual([4, 1, 3, 2]);
  });

  test("sees an item grow old while it waits", () => {
    const queue = queueOf(item(1, 1, 30_000), item(2, 2, 10_000));
    expect(takeAll(queue, { ...NOW, unixMs: NOW.unixMs + 40_000 })).toEqual([2, 1]);
  });

  test("lets a lane rest after a failure, and no other", () => {
    const queue = queueOf(item(1, 1), item(2, 1), item(3, 2));
    const first = queue.take(NOW);
    if (!first) throw new Error("nothing to take");
    queue.retry(first, NOW.monotonicMs + 500);
    expect(queue.failureCountOf(first)).toBe(1);
    expect(queue.nextWakeMs).toBe(NOW.monotonicMs + 500);
    expect(takeAll(queue)).toEqual([3]);
    expect(takeAll(queue, { ...NOW, monotonicMs: NOW.monotonicMs + 499 })).toEqual([]);
    expect(takeAll(queue, { ...NOW, monotonicMs: NOW.monotonicMs + 500 })).toEqual([1, 2]);
    expect(queue.nextWakeMs).toBeUndefined();
  });

  test("gives every item once and each routing id's in order, whatever happens between", () => {
    const step = fc.record({ terminal: fc.nat(4), fails: fc.boolean(), passMs: fc.nat(70_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new SendQueue();
        let now = NOW;
        const sent: SpoolItem[] = [];
        const takeOne = (fails: boolean): void => {
          const taken = queue.take(now);
          if (!taken) return;
          if (fails) queue.retry(taken, now.monotonicMs + 1000);
          else sent.push(taken);
          if (!fails) queue.done(taken);
        };
        for (const [order, { terminal, fails, passMs }] of steps.entries()) {
          queue.push({ ...item(order, terminal), receivedAtUnixMs: now.unixMs });
          now = { unixMs: now.unixMs + passMs, monotonicMs: now.monotonicMs + passMs };
          takeOne(fails);
        }
        now = { ...now, monotonicMs: now.monotonicMs + 1000 };
        for (const one of steps) takeOne(one.passMs < 0);
        expect(sent.map(({ order }) => order).sort((a, b) => a - b)).toEqual(steps.map((_, order) => order));
        for (let terminal = 0; terminal <= 4; terminal += 1) {
          const orders = sent.filter(({ routing }) => routing === routingOf(terminal)).map(({ order }) => order);
          expect(orders).toEqual([...orders].sort((a, b) => a - b));
        }
      }),
    );
  });

  test("goes on for long with a lane that is never empty", () => {
    const queue = queueOf(item(0, 1));
    for (let order = 1; order < 50_000; order += 1) {
      queue.push(item(order, 1));
      const taken = queue.take(NOW);
      expect(taken?.order).toBe(order - 1);
      if (taken) queue.done(taken);
    }
    expect(takeAll(queue)).toEqual([49_999]);
  });
});
