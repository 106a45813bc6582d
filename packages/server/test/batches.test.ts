/** Groups of a worker: by bytes, by time, several at once. */
import { describe, expect, test } from "vitest";
import { batch } from "../src/worker/batches.ts";

const tick = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A write that is held until it is released, and what it was given. */
function heldWrite() {
  const groups: (readonly number[])[] = [];
  const held: (() => void)[] = [];
  const write = async (items: readonly number[]): Promise<readonly number[]> => {
    groups.push(items);
    await new Promise<void>((resolve) => held.push(resolve));
    return items.map((item) => 10 * item);
  };
  return { groups, write, release: () => held.shift()?.() };
}

describe("a group is written", () => {
  test("once it has the bytes, in order, with a result for each", async () => {
    const { groups, write, release } = heldWrite();
    const add = batch(write, { bytesMax: 100, waitMs: 60_000, writesMax: 1 });
    const added = [add(1, 40), add(2, 40), add(3, 40)];
    await tick();
    expect(groups).toEqual([[1, 2]]);
    added.push(add(4, 80));
    release();
    await tick();
    expect(groups).toEqual([[1, 2], [3]]);
    expect(await Promise.all(added.slice(0, 2))).toEqual([10, 20]);
  });

  test("after the time, however small it is", async () => {
    const { groups, write, release } = heldWrite();
    const add = batch(write, { bytesMax: 1e9, waitMs: 20, writesMax: 2 });
    const added = [add(1, 1), add(2, 1)];
    await tick();
    expect(groups).toEqual([]);
    await expect.poll(() => groups).toEqual([[1, 2]]);
    release();
    expect(await Promise.all(added)).toEqual([10, 20]);
    const later = add(3, 1);
    await tick(5);
    expect(groups).toHaveLength(1);
    await expect.poll(() => groups).toHaveLength(2);
    release();
    expect(await later).toBe(30);
  });

  test("alone when it is one item over the bytes", async () => {
    const { groups, write } = heldWrite();
    const add = batch(write, { bytesMax: 100, waitMs: 60_000, writesMax: 5 });
    void add(1, 500);
    void add(2, 500);
    await tick();
    expect(groups).toEqual([[1], [2]]);
  });
});

test("so many groups are written at once and no more; the others grow meanwhile", async () => {
  const { groups, write, release } = heldWrite();
  const add = batch(write, { bytesMax: 10, waitMs: 1, writesMax: 2 });
  const added = Array.from({ length: 8 }, (_, i) => add(i, 5));
  await tick(20);
  expect(groups).toEqual([
    [0, 1],
    [2, 3],
  ]);
  release();
  await tick(5);
  expect(groups).toHaveLength(3);
  for (let i = 0; i < 3; i += 1) {
    release();
    await tick(5);
  }
  await Promise.all(added);
  expect(groups.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("a group that fails fails its items alone", async () => {
  const add = batch<number, number>(
    async (items) => {
      if (items.includes(1)) throw new Error("bad group");
      return items;
    },
    { bytesMax: 1, waitMs: 1, writesMax: 1 },
  );
  await expect(add(1, 1)).rejects.toThrow("bad group");
  expect(await add(2, 1)).toBe(2);
});
