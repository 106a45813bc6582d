import { describe, expect, test, vi } from "vitest";
import { encodeMail, decodeMail, MAIL_ANSWER_BYTES_MAX } from "@pericard/protocol";
import { mailboxKey, Mirror } from "../src/mirror.ts";
import { makeMail, routingOf } from "./support/messages.ts";

const ROOMY = { bytesMax: 64 * 1024 * 1024, boxesMax: 100 };
const box = (terminal: number, client = "a") => mailboxKey(client, routingOf(terminal));
const texts = (messages: readonly Uint8Array[]) => messages.map((message) => new TextDecoder().decode(message));

describe("a mailbox", () => {
  test("gives what was put in, in order, once", () => {
    const mirror = new Mirror(ROOMY);
    mirror.put(box(1), [makeMail("a"), makeMail("b")]);
    mirror.put(box(1), [makeMail("c")]);
    expect(mirror.has(box(1))).toBe(true);
    expect(texts(mirror.take(box(1)))).toEqual(["a", "b", "c"]);
    expect(mirror.has(box(1))).toBe(false);
    expect(mirror.take(box(1))).toEqual([]);
  });

  test("is of one terminal and one client", () => {
    const mirror = new Mirror(ROOMY);
    mirror.put(box(1, "a"), [makeMail("x")]);
    expect(mirror.take(box(2, "a"))).toEqual([]);
    expect(mirror.take(box(1, "b"))).toEqual([]);
    expect(texts(mirror.take(box(1, "a")))).toEqual(["x"]);
  });

  test("keeps a message once, however often the server repeats it", () => {
    const mirror = new Mirror(ROOMY);
    for (let i = 0; i < 3; i += 1) mirror.put(box(1), [makeMail("command"), makeMail("command")]);
    expect(texts(mirror.take(box(1)))).toEqual(["command"]);
  });

  test("never holds more than an answer may carry", () => {
    const mirror = new Mirror(ROOMY);
    for (let i = 0; i < 40; i += 1) mirror.put(box(1), [new Uint8Array(65_536).fill(i)]);
    const large = mirror.take(box(1));
    expect(encodeMail(large).length).toBeLessThanOrEqual(MAIL_ANSWER_BYTES_MAX);
    expect(large.at(-1)?.[0]).toBe(39);
    for (let i = 0; i < 300; i += 1) mirror.put(box(1), [makeMail(`message ${i}`)]);
    const many = mirror.take(box(1));
    expect(decodeMail(encodeMail(many))).toHaveLength(256);
    expect(texts(many).at(-1)).toBe("message 299");
  });
});

describe("over its bounds", () => {
  test("the mailbox that was touched longest ago goes first", () => {
    const mirror = new Mirror({ ...ROOMY, boxesMax: 2 });
    mirror.put(box(1), [makeMail("one")]);
    mirror.put(box(2), [makeMail("two")]);
    mirror.put(box(1), [makeMail("one more")]);
    mirror.put(box(3), [makeMail("three")]);
    expect([1, 2, 3].map((terminal) => mirror.has(box(terminal)))).toEqual([true, false, true]);
  });

  test("bytes count too, and come back when mail is taken", () => {
    const mirror = new Mirror({ ...ROOMY, bytesMax: 1000 });
    for (let terminal = 0; terminal < 10; terminal += 1) mirror.put(box(terminal), [new Uint8Array(300)]);
    expect([6, 7, 8, 9].map((terminal) => mirror.has(box(terminal)))).toEqual([false, true, true, true]);
    for (let i = 0; i < 50; i += 1) {
      mirror.put(box(20), [new Uint8Array(600).fill(i)]);
      expect(mirror.take(box(20))).toHaveLength(1);
    }
    mirror.put(box(21), [new Uint8Array(900)]);
    expect(mirror.has(box(21))).toBe(true);
  });
});

test("who waits hears of mail for its box alone, until it stops listening", () => {
  const mirror = new Mirror(ROOMY);
  const heard = vi.fn<() => void>();
  const stop = mirror.onMail(box(1), heard);
  mirror.put(box(2), [makeMail("x")]);
  mirror.put(box(1), []);
  expect(heard).not.toHaveBeenCalled();
  mirror.put(box(1), [makeMail("x")]);
  expect(heard).toHaveBeenCalledOnce();
  stop();
  mirror.put(box(1), [makeMail("y")]);
  expect(heard).toHaveBeenCalledOnce();
});
