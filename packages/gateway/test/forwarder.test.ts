import { describe, expect, test } from "vitest";
import { createMemoryFolder } from "@pericard/framelog";
import { Forwarder } from "../src/forwarder.ts";
import { mailboxKey, Mirror } from "../src/mirror.ts";
import { SendQueue } from "../src/send-queue.ts";
import { settle } from "./support/manual-clock.ts";
import { makeEnvelope, makeMail, routingOf } from "./support/messages.ts";
import { laterAnswer, ScriptedUpstream, TAKEN } from "./support/scripted-upstream.ts";
import { hex, openSpool } from "./support/spools.ts";

function makeForwarder() {
  const folder = createMemoryFolder();
  const { spool, clock, admit: admitToSpool } = openSpool(folder);
  const queue = new SendQueue();
  const upstream = new ScriptedUpstream();
  const mirror = new Mirror({ bytesMax: 2 ** 20, boxesMax: 10 });
  const events: string[] = [];
  const forwarder = new Forwarder({
    spool,
    queue,
    mirror,
    upstream,
    clock,
    jitter: () => 0,
    events: {
      onRefused: (_, status, code) => events.push(`refused ${status} ${code}`),
      onDamaged: () => events.push("damaged"),
      onLater: (_, reason, delayMs) => events.push(`later ${reason} ${delayMs}`),
    },
  });
  const admit = async (terminal: number): Promise<string> => {
    const message = makeEnvelope(terminal);
    await admitToSpool(message);
    const item = spool.items().at(-1);
    if (item) queue.push(item);
    forwarder.pump();
    return hex(message);
  };
  const advance = async (byMs: number): Promise<void> => {
    clock.advance(byMs);
    await settle();
  };
  return { folder, spool, clock, queue, upstream, mirror, events, forwarder, admit, advance };
}

describe("the forwarder", () => {
  test("sends eight at once, and one of each routing id", async () => {
    const { upstream, admit } = makeForwarder();
    for (let i = 0; i < 30; i += 1) await admit(i % 10);
    expect(upstream.open.map(({ routing }) => routing)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(routingOf));
    upstream.open[0]?.reply(TAKEN);
    await settle();
    expect(upstream.open.map(({ routing }) => routing).at(-1)).toBe(routingOf(8));
    expect(upstream.open).toHaveLength(8);
  });

  test("keeps the order of a routing id through failures", async () => {
    const { upstream, admit, advance, spool } = makeForwarder();
    const messages = [await admit(1), await admit(1), await admit(1)];
    for (let i = 0; i < 12; i += 1) {
      upstream.open[0]?.reply(i % 2 === 0 ? laterAnswer({ concerns: "message" }) : TAKEN);
      await settle();
      await advance(30_000);
    }
    const [a, b, c] = messages;
    expect(upstream.history).toEqual([a, a, b, b, c, c]);
    expect(spool.itemCount).toBe(0);
  });

  test("puts mail into the mailbox of the terminal and the client", async () => {
    const { upstream, mirror, admit, spool } = makeForwarder();
    await admit(1);
    upstream.open[0]?.reply({ kind: "taken", mail: [makeMail("receipt")], cutOff: false });
    await settle();
    expect(mirror.take(mailboxKey("first", routingOf(1)))).toEqual([makeMail("receipt")]);
    expect(spool.itemCount).toBe(0);
  });

  test("counts what is refused and goes on with the next of the same routing id", async () => {
    const { upstream, admit, events, spool } = makeForwarder();
    await admit(1);
    const second = await admit(1);
    upstream.open[0]?.reply({ kind: "refused", status: 403, code: "ERR_TERMINAL_UNKNOWN", title: "no" });
    await settle();
    expect(events).toEqual(["refused 403 ERR_TERMINAL_UNKNOWN"]);
    expect(upstream.open.map(({ message }) => message)).toEqual([second]);
    expect(spool.itemCount).toBe(1);
  });

  test("goes past an item that the disk no longer has", async () => {
    const { folder, upstream, admit, events, spool, queue } = makeForwarder();
    const blocker = await admit(1);
    await admit(1);
    const third = await admit(1);
    expect(upstream.history).toEqual([blocker]);
    const damaged = spool.items()[1];
    const bytes = folder.bytesOf("spool-00000000.cbor");
    const at = (damaged?.position.offsetBytes ?? 0) + 50;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    upstream.open[0]?.reply(TAKEN);
    await settle();
    expect(events).toEqual(["damaged"]);
    expect(upstream.open.map(({ message }) => message)).toEqual([third]);
    expect([spool.itemCount, queue.nextWakeMs]).toEqual([1, undefined]);
  });

  test("gives half of its requests to what is fresh", async () => {
    const { upstream, admit, advance } = makeForwarder();
    for (let i = 0; i < 8; i += 1) await admit(100 + i);
    const backlog: string[] = [];
    for (let i = 0; i < 8; i += 1) backlog.push(await admit(i));
    await advance(60_000);
    const fresh: string[] = [];
    for (let i = 0; i < 8; i += 1) fresh.push(await admit(50 + i));
    for (const sent of upstream.open.splice(0)) sent.reply(TAKEN);
    await settle();
    const kinds = upstream.history.slice(8).map((message) => (fresh.includes(message) ? "fresh" : "backlog"));
    expect(kinds).toHaveLength(8);
    expect(kinds.filter((kind) => kind === "fresh")).toHaveLength(4);
    expect([upstream.history[8], upstream.history[9]]).toEqual([backlog[0], fresh[0]]);
  });
});

describe("while the upstream as a whole fails", () => {
  test("one request at a time tries it, with growing pauses, and all go on when it answers", async () => {
    const { upstream, admit, advance, clock } = makeForwarder();
    for (let i = 0; i < 20; i += 1) await admit(i);
    for (const sent of upstream.open.splice(0)) sent.reply(laterAnswer({ reason: "ECONNREFUSED", reached: false }));
    await settle();
    expect(upstream.open).toHaveLength(0);
    const pausesMs: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      const before = clock.monotonicMs();
      while (upstream.open.length === 0) await advance(50);
      pausesMs.push(clock.monotonicMs() - before);
      expect(upstream.open).toHaveLength(1);
      upstream.open[0]?.reply(laterAnswer());
      await settle();
    }
    expect(pausesMs).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    await advance(15_000);
    upstream.open[0]?.reply(TAKEN);
    await settle();
    expect(upstream.open, "of a backlog alone, one place is kept free").toHaveLength(7);
  });

  test("the upstream's own wish for a pause is kept", async () => {
    const { upstream, admit, advance, events } = makeForwarder();
    await admit(1);
    await admit(2);
    for (const sent of upstream.open.splice(0)) sent.reply(laterAnswer({ retryAfterMs: 20_000 }));
    await settle();
    await advance(19_999);
    expect(upstream.open).toHaveLength(0);
    await advance(1);
    expect(upstream.open).toHaveLength(1);
    expect(events).toEqual(["later http-503 20000", "later http-503 20000"]);
  });

  test("a message that fails alone holds up its own routing id alone", async () => {
    const { upstream, admit, advance } = makeForwarder();
    const bad = await admit(1);
    await admit(1);
    for (let i = 0; i < 50; i += 1) {
      const good = await admit(2);
      for (const sent of upstream.open.splice(0)) {
        sent.reply(sent.message === bad ? laterAnswer({ reason: "http-500", concerns: "message" }) : TAKEN);
      }
      await settle();
      expect(upstream.history).toContain(good);
      await advance(1000);
    }
    expect(upstream.history.filter((message) => message === bad).length).toBeLessThan(12);
  });
});

describe("stopping", () => {
  test("waits for what is on its way, and sends nothing more", async () => {
    const { upstream, admit, forwarder, spool, clock } = makeForwarder();
    await admit(1);
    await admit(1);
    let isStopped = false;
    const stopped = forwarder.stop().then(() => (isStopped = true));
    await settle();
    expect(isStopped).toBe(false);
    upstream.open[0]?.reply(TAKEN);
    await stopped;
    expect(spool.itemCount).toBe(1);
    expect(upstream.history).toHaveLength(1);
    expect(clock.timerCount).toBe(0);
  });

  test("breaks off what takes longer than five seconds; it stays in the spool", async () => {
    const { upstream, admit, forwarder, spool, advance } = makeForwarder();
    await admit(1);
    const stopped = forwarder.stop();
    await advance(4999);
    expect(upstream.open).toHaveLength(1);
    await advance(1);
    await stopped;
    expect(upstream.open).toHaveLength(0);
    expect(spool.itemCount).toBe(1);
  });
});
