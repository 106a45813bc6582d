/** Programs killed at random while a terminal records files: every sample arrives exactly once. */
import { existsSync } from "node:fs";
import { describe, test } from "vitest";
import { checkLeftovers } from "../src/crash/check-leftovers.ts";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import { checkStore } from "../src/crash/check-store.ts";
import { Seeded } from "../src/crash/seeded.ts";
import { KILL_COUNT, recordPath, SEED } from "../src/crash/settings.ts";
import { Site } from "../src/crash/site.ts";
import { syntheticSource, wfdbSource, type KnownSource } from "../src/crash/sources.ts";
import { recordInStorm, type Victim } from "../src/crash/storm.ts";
import { tell } from "./support/tell.ts";

/** What terminals record, one after the other until all kills were made. */
const SOURCES: readonly (() => Promise<KnownSource>)[] = [
  () => wfdbSource("mitdb/100"),
  () => wfdbSource("mitdb/105"),
  async () => syntheticSource(7, 0.4),
];
const KILLS_PER_ROUND = 10;

const NOTHING_WRONG = { conflicts: 0, rejected: 0, gaps: 0, badMail: 0, waiting: 0, quarantined: 0 };

const SCENARIOS: readonly (readonly [string, readonly Victim[]])[] = [
  ["terminal", ["terminal"]],
  ["gateway", ["gateway"]],
  ["server", ["server"]],
  ["terminal, gateway and server", ["terminal", "gateway", "server"]],
];

const missing = ["mitdb/100", "mitdb/105"].map(recordPath).filter((path) => !existsSync(path));
const without = missing.length === 0 ? "" : ` (no ${missing.join(", ")}: set PERICARD_ECG_DATA to shared/data/ecg)`;
const skipped = missing.length > 0 && process.env["CI"] !== "true";

describe.skipIf(skipped)(`a file is recorded whole${without}, seed ${SEED}`, () => {
  test.concurrent.for(SCENARIOS)(
    "killing again and again: %s",
    async ([name, programs], { expect, onTestFinished }) => {
      const random = new Seeded(SEED);
      const site = await Site.open();
      onTestFinished(() => site.remove());
      await site.startAll();
      const wanted = random.shuffle(programs.flatMap((program) => Array<Victim>(KILL_COUNT).fill(program)));
      const kills: Victim[] = [];
      const startedMs = performance.now();
      let terminals = 0;
      while (kills.length < wanted.length) {
        const source = await (SOURCES[terminals % SOURCES.length] as (typeof SOURCES)[number])();
        terminals += 1;
        const folder = site.deploy(terminals);
        const victims = wanted.slice(kills.length, kills.length + KILLS_PER_ROUND * programs.length);
        const args = ["terminal", "record", "--data", folder, ...source.args, "--segment-seconds", "1", "--json"];
        const storm = await recordInStorm(site, args, victims, random);
        kills.push(...storm.kills);
        expect(storm.result).toMatchObject(NOTHING_WRONG);
        expect(await checkWhole(await site.signIn(), terminals, source)).toEqual(WHOLE);
      }
      await site.stopAll();
      const { faults, ...counts } = checkStore(site);
      expect(faults).toEqual([]);
      expect(site.receipts.copies.size).toBe(counts.segmentCount);
      const numbers = Array.from({ length: terminals }, (_, i) => i + 1);
      expect(await checkLeftovers(site, numbers)).toEqual([]);
      const { receiptCount } = site.receipts;
      tell(`${name} killed`, { seed: SEED, kills, recordings: terminals, ...counts, receiptCount }, startedMs);
    },
  );
});
