/** A server under a steady load: a burst beyond its buffer, and receipts while a long recording is read. */
import { defaultSettings, writeSettings } from "@pericard/server";
import { expect, onTestFinished, test } from "vitest";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import { checkStore } from "../src/crash/check-store.ts";
import { WHOLE_DAY } from "../src/crash/settings.ts";
import { LOAD_CLIENT, startLoad } from "../src/crash/site-load.ts";
import { Site } from "../src/crash/site.ts";
import { syntheticSource } from "../src/crash/sources.ts";
import { tell } from "./support/tell.ts";

/** The least that a server takes. */
const BUFFER_BYTES = 1024 * 1024;
/** Of about 20 kB each: ten times the buffer, all at once. */
const BURST_LANES = 512;
const WATCH_MS = 5000;
/** Below this nothing is said: who reads compares samples in the process of the load, and makes it wait. */
const P99_FLOOR_MS = 50;

async function openSite(bufferBytesMax: number): Promise<Site> {
  const site = await Site.open(({ server }) => {
    const settings = defaultSettings([LOAD_CLIENT, { name: "gateway", token: "token-of-the-gateway-of-a-test" }]);
    writeSettings(server, { ...settings, port: 0, bufferBytesMax });
  });
  onTestFinished(() => site.remove());
  return site;
}

test("a burst of ten times the buffer is refused in part, comes again, and is there", async () => {
  const startedMs = performance.now();
  const site = await openSite(BUFFER_BYTES);
  await site.start("server").ready;
  const load = startLoad(site, { lanes: BURST_LANES, perSecondMax: Number.POSITIVE_INFINITY });
  await load.stop();
  await site.station("server").stop();
  const { faults, ...counts } = checkStore(site);
  expect(faults).toEqual([]);
  expect(load.refusalCount).toBeGreaterThan(0);
  expect(site.receipts.copies.size).toBeGreaterThanOrEqual(BURST_LANES);
  expect(site.receipts.copies.size).toBe(counts.segmentCount);
  tell("burst", { refusals: load.refusalCount, ...counts }, startedMs);
});

test(`receipts come while ${WHOLE_DAY ? "a day" : "an hour"} is read again and again`, async () => {
  const startedMs = performance.now();
  const site = await openSite(64 * BUFFER_BYTES);
  await site.startAll();
  const source = syntheticSource(5, WHOLE_DAY ? 24 : 1);
  const terminal = site.spawn(["terminal", "record", "--data", site.deploy(1), ...source.args, "--json"]);
  await terminal.success();
  const client = await site.signIn();
  const load = startLoad(site, { lanes: 16, perSecondMax: 40 });
  await load.watch(2000);
  const before = await load.watch(WATCH_MS);
  const reading = new AbortController();
  const exported = (async (): Promise<number> => {
    let exports = 0;
    while (!reading.signal.aborted) {
      expect(await checkWhole(client, 1, source)).toEqual(WHOLE);
      exports += 1;
    }
    return exports;
  })();
  const during = await load.watch(2 * WATCH_MS);
  reading.abort();
  const exports = await exported;
  await load.stop();
  await site.stopAll();
  const { faults } = checkStore(site);
  expect(faults).toEqual([]);
  tell("receipts during an export", { before, during, exports }, startedMs);
  expect(during.latencyMs.p99).toBeLessThan(3 * Math.max(before.latencyMs.p99, P99_FLOOR_MS));
});
