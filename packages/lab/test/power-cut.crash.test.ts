/** Power that is cut under a server: what a receipt covers is there, and the server opens again by itself. */
import { describe, test } from "vitest";
import { checkLeftovers } from "../src/crash/check-leftovers.ts";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import { checkStore } from "../src/crash/check-store.ts";
import { POWER_DISK_KINDS, PowerDisk, diskRemedy, type PowerDiskKind } from "../src/crash/power-disk.ts";
import { Seeded } from "../src/crash/seeded.ts";
import { CUT_COUNT, SEED } from "../src/crash/settings.ts";
import { Site } from "../src/crash/site.ts";
import { syntheticSource } from "../src/crash/sources.ts";
import { recordInStorm } from "../src/crash/storm.ts";
import { tell } from "./support/tell.ts";

const CUTS_PER_ROUND = 10;
const NOTHING_WRONG = { conflicts: 0, rejected: 0, gaps: 0, badMail: 0, waiting: 0, quarantined: 0 };

const remedy = diskRemedy();
const without = remedy === undefined ? "" : ` (skipped: ${remedy})`;
const skipped = remedy !== undefined && process.env["CI"] !== "true";

describe.skipIf(skipped)(`power is cut under a server${without}, seed ${SEED}`, () => {
  test.for(Object.keys(POWER_DISK_KINDS) as PowerDiskKind[])(
    "again and again, on %s",
    async (kind, { expect, onTestFinished }) => {
      const random = new Seeded(SEED);
      const startedMs = performance.now();
      const disks: PowerDisk[] = [];
      const site = await Site.open((paths) => disks.push(new PowerDisk(paths.server, kind)));
      const [disk] = disks;
      if (!disk) throw new TypeError("site has no disk");
      onTestFinished(async () => {
        await site.stopRunning();
        disk.remove();
        await site.remove();
      });
      await site.startAll();
      const cutPower = async (): Promise<void> => {
        const server = site.station("server");
        // Nothing that it hears after the cut may get out of it: a sync under way may be told that it succeeded.
        server.freeze();
        disk.cut();
        await server.kill();
        await disk.unmount();
        disk.mount();
      };
      let cuts = 0;
      let terminals = 0;
      while (cuts < CUT_COUNT) {
        terminals += 1;
        const folder = site.deploy(terminals);
        const source = syntheticSource(terminals, 0.4);
        const args = ["terminal", "record", "--data", folder, ...source.args, "--segment-seconds", "1", "--json"];
        const victims = Array.from({ length: Math.min(CUTS_PER_ROUND, CUT_COUNT - cuts) }, () => "server" as const);
        const storm = await recordInStorm(site, args, victims, random, cutPower);
        cuts += storm.kills.length;
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
      const { rebuildCount } = site;
      tell(
        `power cut on ${kind}`,
        { seed: SEED, cuts, recordings: terminals, ...counts, receiptCount, rebuildCount },
        startedMs,
      );
    },
  );
});
