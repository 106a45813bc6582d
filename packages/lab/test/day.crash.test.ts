/** A day of twelve leads at 500 Hz on the whole path, with `PERICARD_DAY=1`; otherwise twenty minutes of it. */
import { expect, onTestFinished, test } from "vitest";
import { checkWhole, WHOLE } from "../src/crash/check-recording.ts";
import { watchResources } from "../src/crash/resources.ts";
import { WHOLE_DAY } from "../src/crash/settings.ts";
import { Site } from "../src/crash/site.ts";
import { syntheticSource } from "../src/crash/sources.ts";
import { tell } from "./support/tell.ts";

const HOURS = WHOLE_DAY ? 24 : 1 / 3;
/**
 * What a day may take. The short run is one of many tests on a machine that is not quiet, where collections come late:
 * it has 10 % more.
 */
const PEAK_MEGABYTES_MAX = WHOLE_DAY ? 250 : 275;

test(`${WHOLE_DAY ? "a day" : "twenty minutes"} of twelve leads come back exactly, in bounded memory`, async () => {
  const site = await Site.open();
  onTestFinished(() => site.remove());
  await site.startAll();
  const source = syntheticSource(24, HOURS);
  const folder = site.deploy(1);
  const startedMs = performance.now();
  const terminal = site.spawn(["terminal", "record", "--data", folder, ...source.args, "--json"]);
  const watched = {
    terminal: watchResources(terminal.pid),
    gateway: watchResources(site.station("gateway").pid),
    server: watchResources(site.station("server").pid),
  };
  await terminal.success();
  const uploadSeconds = Math.round((performance.now() - startedMs) / 1000);
  expect(await checkWhole(await site.signIn(), 1, source)).toEqual(WHOLE);
  const resources = Object.fromEntries(Object.entries(watched).map(([name, one]) => [name, one.stop()]));
  await site.stopAll();
  const rawMegabytes = (source.frameCount * source.format.leads.length * 2) / 1e6;
  const { sentBytes, segments } = terminal.lines.at(-1) ?? {};
  tell("endurance", { hours: HOURS, rawMegabytes, sentBytes, segments, uploadSeconds, resources }, startedMs);
  expect(resources["terminal"]?.peakMegabytes).toBeLessThan(PEAK_MEGABYTES_MAX);
  expect(resources["server"]?.peakMegabytes).toBeLessThan(PEAK_MEGABYTES_MAX);
});
