/** The network between each pair of programs fails, by refusal and by silence, and everything goes on by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { checkLeftovers } from "../src/crash/check-leftovers.ts";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import { checkStore } from "../src/crash/check-store.ts";
import type { Cut } from "../src/crash/link.ts";
import { Seeded } from "../src/crash/seeded.ts";
import { SEED } from "../src/crash/settings.ts";
import { Site, type StationName } from "../src/crash/site.ts";
import { syntheticSource } from "../src/crash/sources.ts";
import { tell } from "./support/tell.ts";

const CUTS: readonly (readonly [StationName, Cut])[] = [
  ["gateway", "refused"],
  ["server", "refused"],
  ["gateway", "silent"],
  ["server", "silent"],
  ["gateway", "refused"],
  ["server", "refused"],
];
const CUT_MS = { min: 200, max: 2000 } as const;

test(`cuts before the gateway and before the server heal without help, seed ${SEED}`, async () => {
  const startedMs = performance.now();
  const random = new Seeded(SEED);
  const site = await Site.open();
  onTestFinished(() => site.remove());
  await site.startAll();
  const source = syntheticSource(11, 0.4);
  const args = ["--data", site.deploy(1), ...source.args, "--segment-seconds", "1", "--json"];
  const terminal = site.spawn(["terminal", "record", ...args]);
  await terminal.ready;
  for (const [before, kind] of random.shuffle(CUTS)) {
    await new Promise((resolve) => site.traffic.once("envelope", resolve));
    site.links[before].cut(kind);
    await sleep(random.between(CUT_MS.min, CUT_MS.max));
    site.links[before].heal();
  }
  await terminal.success();
  expect(terminal.lines.at(-1)).toMatchObject({ conflicts: 0, rejected: 0, gaps: 0, badMail: 0, waiting: 0 });
  expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);
  await site.stopAll();
  const { faults, ...counts } = checkStore(site);
  expect(faults).toEqual([]);
  expect(await checkLeftovers(site, [1])).toEqual([]);
  tell("network cut", { seed: SEED, cuts: CUTS.length, ...counts }, startedMs);
});
