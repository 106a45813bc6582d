/** A thread that hangs keeps nobody waiting. */
import { afterEach, expect, test } from "vitest";
import { ServerError } from "../src/errors.ts";
import { startThread, type Thread } from "../src/threads/thread.ts";
import type { SleepyMethods } from "./support/sleepy-thread.ts";

const MODULE = new URL("./support/sleepy-thread.ts", import.meta.url);
const late = () => new ServerError("ERR_CATALOG_UNAVAILABLE", "late");
let thread: Thread<SleepyMethods>;
afterEach(() => thread.end());

async function start(deadlineMs: number): Promise<void> {
  thread = startThread<SleepyMethods>(MODULE, {}, ["sleep"], 64, { deadlineMs, late });
  while ((await thread.calls.sleep(0).catch(() => 1)) !== 0) await new Promise((resolve) => setTimeout(resolve, 50));
}

test("what waits fails at the deadline, what comes then at once, and it goes on when the thread answers", async () => {
  await start(300);
  const hung = thread.calls.sleep(2000);
  const behind = thread.calls.sleep(1);
  await expect(hung).rejects.toMatchObject({ code: "ERR_CATALOG_UNAVAILABLE", retryable: true });
  await expect(behind).rejects.toMatchObject({ code: "ERR_CATALOG_UNAVAILABLE" });
  const askedAt = performance.now();
  await expect(thread.calls.sleep(1)).rejects.toMatchObject({ code: "ERR_CATALOG_UNAVAILABLE" });
  expect(performance.now() - askedAt).toBeLessThan(100);
  await expect.poll(() => thread.calls.sleep(2).catch(() => 0), { timeout: 10_000 }).toBe(2);
});

test("many short calls that take longer together are no hang", async () => {
  await start(1500);
  const answers = Array.from({ length: 12 }, () => thread.calls.sleep(200));
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 12 }, () => 200));
});
