import { expect, test } from "vitest";
import { GroupCommit } from "../src/group-commit.ts";

function recorded(sync: () => void = () => undefined) {
  const events: string[] = [];
  const works: (() => void)[] = [];
  const commit = new GroupCommit<string>({
    defer: (work) => works.push(work),
    sync: () => {
      events.push("sync");
      sync();
    },
    onDurable: (item) => events.push(`durable ${item}`),
    onLost: (item) => events.push(`lost ${item}`),
  });
  const add = async (item: string): Promise<void> => {
    await commit.add(item).then(
      () => events.push(`kept ${item}`),
      (error: Error) => events.push(`broken ${item}: ${error.message}`),
    );
  };
  return { commit, events, works, add };
}

test("what arrives in one turn shares one sync and becomes durable in order", async () => {
  const { works, events, add } = recorded();
  const first = [add("a"), add("b")];
  expect(works).toHaveLength(1);
  expect(events).toEqual([]);
  works.shift()?.();
  await Promise.all(first);
  const second = add("c");
  expect(works).toHaveLength(1);
  works.shift()?.();
  await second;
  expect(events).toEqual(["sync", "durable a", "durable b", "kept a", "kept b", "sync", "durable c", "kept c"]);
});

test("what a failed sync did not make durable is lost, all of it, and the next turn begins anew", async () => {
  let fails = true;
  const { works, events, add } = recorded(() => {
    if (fails) throw new Error("disk");
  });
  const first = [add("a"), add("b")];
  works.shift()?.();
  await Promise.all(first);
  fails = false;
  const second = add("c");
  works.shift()?.();
  await second;
  expect(events.filter((event) => event !== "sync")).toEqual([
    "lost a",
    "lost b",
    "broken a: disk",
    "broken b: disk",
    "durable c",
    "kept c",
  ]);
});

test("what was given up is not synced later", async () => {
  const { commit, works, events, add } = recorded();
  const first = add("a");
  commit.fail(new Error("gone"));
  await first;
  works.shift()?.();
  expect(events).toEqual(["lost a", "broken a: gone"]);
});
