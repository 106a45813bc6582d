/** The small machines: grouping, taking turns, forgetting. */
import { describe, expect, test } from "vitest";
import { InTurn } from "../src/ingest/in-turn.ts";
import { Lru } from "../src/keys/lru.ts";
import { gather } from "../src/threads/gather.ts";

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("gather", () => {
  test("makes groups of what comes while one is under way, in order", async () => {
    const groups: (readonly number[])[] = [];
    const write = gather<number, number>(async (items) => {
      groups.push(items);
      await tick();
      return items.map((item) => 10 * item);
    });
    const first = [write(1), write(2)];
    await tick();
    const rest = [write(3), write(4), write(5)];
    expect(await Promise.all([...first, ...rest])).toEqual([10, 20, 30, 40, 50]);
    expect(groups.flat()).toEqual([1, 2, 3, 4, 5]);
    expect(groups.length).toBeLessThan(5);
  });

  test("fails one group alone, and goes on", async () => {
    const write = gather<number, number>(async (items) => {
      if (items.includes(1)) throw new Error("bad group");
      return items;
    });
    await expect(write(1)).rejects.toThrow("bad group");
    expect(await write(2)).toBe(2);
  });
});

describe("in turn", () => {
  test("one key's work never overlaps, other keys do not wait, a failure stops nothing", async () => {
    const turns = new InTurn<string>();
    const running: string[] = [];
    const order: string[] = [];
    const work =
      (name: string, fails = false) =>
      async (): Promise<string> => {
        expect(running.filter((one) => one[0] === name[0])).toEqual([]);
        running.push(name);
        await tick();
        running.splice(running.indexOf(name), 1);
        order.push(name);
        if (fails) throw new Error(name);
        return name;
      };
    const results = await Promise.allSettled([
      turns.run("a", work("a1")),
      turns.run("a", work("a2", true)),
      turns.run("a", work("a3")),
      turns.run("b", work("b1")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(order.filter((name) => name[0] === "a")).toEqual(["a1", "a2", "a3"]);
    expect(order.indexOf("b1")).toBeLessThan(order.indexOf("a3"));
  });
});

describe("lru", () => {
  test("forgets what was used longest ago", () => {
    const lru = new Lru<string, number>(2);
    lru.set("a", 1);
    lru.set("b", 2);
    expect(lru.get("a")).toBe(1);
    lru.set("c", 3);
    expect([lru.get("a"), lru.get("b"), lru.get("c")]).toEqual([1, undefined, 3]);
    lru.delete("a");
    expect(lru.get("a")).toBeUndefined();
    lru.clear();
    expect(lru.get("c")).toBeUndefined();
  });
});
