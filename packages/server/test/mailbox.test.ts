/** The mailbox: numbers, expiry, one command of a name, and who waits. */
import { ed25519Private, systemRandom } from "@pericard/crypto";
import { Command, KeyId, parseSigned, RoutingId } from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { Mailbox } from "../src/keys/mailbox.ts";

const routing = RoutingId.parse("01".repeat(8));
const another = RoutingId.parse("02".repeat(8));
const clock = { nowMs: 1_000_000 };
let mailbox: Mailbox;
beforeEach(() => {
  const key = { keyId: KeyId.parse("00".repeat(8)), privateKey: ed25519Private(systemRandom(32)) };
  mailbox = new Mailbox({ statementKey: key }, () => clock.nowMs);
});

const collect = (seen = 0, of = routing) =>
  mailbox.collect(of, seen).map((bytes) => Command.decode(parseSigned(bytes).payload));

describe("a command", () => {
  test("waits for its terminal alone, until it was seen or has expired", () => {
    mailbox.command(routing, "segment-length", 2000, 60_000);
    expect(collect(0, another)).toEqual([]);
    const [command] = collect();
    expect(command).toMatchObject({ name: "segment-length", value: 2000, expiresAtUnixMs: clock.nowMs + 60_000 });
    expect(collect(command?.mailNumber ?? 0)).toEqual([]);
    expect(collect()).toEqual([]);
    mailbox.command(routing, "segment-length", 2000, 60_000);
    clock.nowMs += 60_000;
    expect(collect()).toEqual([]);
  });

  test("replaces an older one of its name, and no other", () => {
    mailbox.command(routing, "segment-length", 2000, 60_000);
    mailbox.command(routing, "end-recording", 0, 60_000);
    for (let i = 0; i < 30; i += 1) mailbox.command(routing, "segment-length", 3000, 60_000);
    expect(collect().map(({ name, value }) => [name, value])).toEqual([
      ["end-recording", 0],
      ["segment-length", 3000],
    ]);
  });

  test("has a number above all before it, also when the clock stands or goes back", () => {
    const numbers: number[] = [];
    for (const step of [0, 0, -5000, 1, 10_000]) {
      clock.nowMs += step;
      mailbox.command(routing, "end-recording", 0, 60_000);
      numbers.push(collect()[0]?.mailNumber ?? 0);
    }
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe("waiting", () => {
  const never = new AbortController().signal;

  test("ends with a command, at its time, by its signal, and at once when there is no time", async () => {
    const woken = mailbox.wait(routing, 60_000, never);
    const other = mailbox.wait(another, 40, never);
    mailbox.command(routing, "end-recording", 0, 60_000);
    await Promise.all([woken, other]);
    const leaving = new AbortController();
    const left = mailbox.wait(routing, 60_000, leaving.signal);
    leaving.abort();
    await left;
    await mailbox.wait(routing, 60_000, leaving.signal);
    await mailbox.wait(routing, 0, never);
  });

  test("is for four at once: a fifth ends the oldest", async () => {
    const waiting = Array.from({ length: 5 }, () => mailbox.wait(routing, 60_000, never));
    const ended: number[] = [];
    for (const [i, wait] of waiting.entries()) void wait.then(() => ended.push(i));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toEqual([0]);
    mailbox.command(routing, "end-recording", 0, 60_000);
    await Promise.all(waiting);
  });
});
