/** A month without upstream, on a simulated clock, with restarts; then everything goes up. Sizes are scaled down. */
import { expect, test } from "vitest";
import { createMemoryFolder } from "@pericard/framelog";
import { Forwarder } from "../src/forwarder.ts";
import { FRESH_MS } from "../src/limits.ts";
import { Mirror } from "../src/mirror.ts";
import { SendQueue } from "../src/send-queue.ts";
import type { SpoolItem } from "../src/spool-ledger.ts";
import { createManualClock, settle } from "./support/manual-clock.ts";
import { makeEnvelope, routingOf } from "./support/messages.ts";
import { laterAnswer, ScriptedUpstream, TAKEN } from "./support/scripted-upstream.ts";
import { hex, openSpool } from "./support/spools.ts";

const DAYS = 30;
const TERMINALS = 4;
const EVERY_MS = 2 * 3_600_000;
const LIMIT_BYTES = 2 * 1024 * 1024;

type Clock = ReturnType<typeof createManualClock>;

/** A gateway's spool, queue and forwarder over one folder. */
function startUp(folder: ReturnType<typeof createMemoryFolder>, clock: Clock, upstream: ScriptedUpstream) {
  const queue = new SendQueue();
  const { spool, admit: admitToSpool } = openSpool(folder, LIMIT_BYTES, clock);
  for (const item of spool.items()) queue.push(item);
  const events = { onRefused: () => undefined, onDamaged: () => undefined, onLater: () => undefined };
  const mirror = new Mirror({ bytesMax: 2 ** 20, boxesMax: 100 });
  const forwarder = new Forwarder({ spool, queue, mirror, upstream, clock, jitter: () => 0, events });
  let newest = spool.items().at(-1)?.order ?? -1;
  const admit = async (message: Uint8Array): Promise<string | undefined> => {
    const code = await admitToSpool(message);
    const item: SpoolItem | undefined = spool.items().at(-1);
    if (item && item.order > newest) {
      newest = item.order;
      queue.push(item);
    }
    forwarder.pump();
    return code;
  };
  return { spool, forwarder, admit };
}

test("thirty days wait within the limit, over restarts, and go up in order with half of the uplink for what is fresh", async () => {
  const clock = createManualClock();
  const upstream = new ScriptedUpstream();
  const folder = createMemoryFolder();
  const sent = new Map<string, string[]>(Array.from({ length: TERMINALS + 1 }, (_, i) => [routingOf(i), []]));
  let gateway = startUp(folder, clock, upstream);
  const refuseAll = async (): Promise<void> => {
    for (const { reply } of upstream.open.slice()) reply(laterAnswer({ reason: "ECONNREFUSED", reached: false }));
    await settle();
  };

  const ticks = (DAYS * 24 * 3_600_000) / EVERY_MS;
  for (let tick = 0; tick < ticks; tick += 1) {
    for (let terminal = 0; terminal < TERMINALS; terminal += 1) {
      const message = makeEnvelope(terminal);
      expect(await gateway.admit(message)).toBeUndefined();
      sent.get(routingOf(terminal))?.push(hex(message));
    }
    await refuseAll();
    clock.advance(EVERY_MS);
    await refuseAll();
    if (tick % 36 === 35) {
      const stopped = gateway.forwarder.stop();
      await refuseAll();
      await stopped;
      gateway.spool.close();
      gateway = startUp(folder, clock, upstream);
    }
  }
  expect(gateway.spool.itemCount).toBe(ticks * TERMINALS);
  expect(gateway.spool.diskBytes).toBeLessThanOrEqual(LIMIT_BYTES);
  expect(clock.unixMs() - (gateway.spool.oldestAtUnixMs ?? 0)).toBeGreaterThan(29 * 24 * 3_600_000);

  // The upstream is back and takes one message at a time; another terminal is live all the while.
  await refuseAll();
  upstream.history.length = 0;
  const arrived = new Map<string, string[]>([...sent.keys()].map((routing) => [routing, []]));
  const receivedAt = new Map<string, number>();
  let freshTurns = 0;
  let backlogTurns = 0;
  for (let turn = 0; gateway.spool.itemCount > 0; turn += 1) {
    if (backlogTurns < 600 && turn % 2 === 0) {
      const live = makeEnvelope(TERMINALS);
      await gateway.admit(live);
      sent.get(routingOf(TERMINALS))?.push(hex(live));
      receivedAt.set(hex(live), clock.unixMs());
    }
    const [one] = upstream.open;
    if (one) {
      arrived.get(one.routing)?.push(one.message);
      const atUnixMs = receivedAt.get(one.message);
      if (atUnixMs !== undefined) {
        freshTurns += 1;
        expect(clock.unixMs() - atUnixMs).toBeLessThan(FRESH_MS / 10);
      } else if (backlogTurns < 600) backlogTurns += 1;
      one.reply(TAKEN);
    }
    await settle();
    clock.advance(200);
    await settle();
  }
  expect(arrived).toEqual(sent);
  expect(freshTurns / (freshTurns + backlogTurns)).toBeGreaterThan(0.45);
  expect(gateway.spool.diskBytes).toBeLessThan(LIMIT_BYTES / 4);
});
