/** The network between each pair of programs fails, by refusal and by silence, and everything goes on by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { checkLeftovers } from "../src/crash/check-leftovers.ts";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import { checkStore } from "../src/crash/check-store.ts";
import type { Cut } from "../src/crash/link.ts";
import type { Program } from "../src/crash/program.ts";
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

/** Whether another envelope passes to a program before the terminal has finished. */
function flows(site: Site, to: StationName, terminal: Program): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (passed: boolean): void => {
      site.traffic.off("envelope", onEnvelope);
      resolve(passed);
    };
    const onEnvelope = (passedTo: StationName): void => {
      if (passedTo === to) end(true);
    };
    site.traffic.on("envelope", onEnvelope);
    void terminal.ended.then(() => end(false));
  });
}

test(`cuts before the gateway and before the server heal without help, seed ${SEED}`, async () => {
  const startedMs = performance.now();
  const random = new Seeded(SEED);
  const site = await Site.open();
  onTestFinished(() => site.remove());
  await site.startAll();
  const left = random.shuffle(CUTS);
  let terminals = 0;
  while (left.length > 0) {
    terminals += 1;
    const source = syntheticSource(11 + terminals, 0.4);
    const args = ["--data", site.deploy(terminals), ...source.args, "--segment-seconds", "1", "--json"];
    const terminal = site.spawn(["terminal", "record", ...args]);
    for (let cut = left[0]; cut && (await flows(site, cut[0], terminal)); cut = left[0]) {
      left.shift();
      site.links[cut[0]].cut(cut[1]);
      await sleep(random.between(CUT_MS.min, CUT_MS.max));
      site.links[cut[0]].heal();
    }
    await terminal.success();
    expect(terminal.lines.at(-1)).toMatchObject({ conflicts: 0, rejected: 0, gaps: 0, badMail: 0, waiting: 0 });
    expect(await checkWhole(await site.signIn(), terminals, source)).toEqual(WHOLE);
  }
  await site.stopAll();
  const { faults, ...counts } = checkStore(site);
  expect(faults).toEqual([]);
  expect(
    await checkLeftovers(
      site,
      Array.from({ length: terminals }, (_, i) => i + 1),
    ),
  ).toEqual([]);
  tell("network cut", { seed: SEED, cuts: CUTS.length, recordings: terminals, ...counts }, startedMs);
});
