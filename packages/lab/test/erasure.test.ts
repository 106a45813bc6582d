/**
 * An erased patient's data on its way, by real processes: a terminal that still has all of it, and a gateway whose spool was put
 * back from before. Source: docs/keys.md, "Erasure"; docs/format.md §7.11.
 */
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Site, type StationName } from "../src/crash/site.ts";

const HOURS = 0.005;

let site: Site;
let folder: string;
let patient: string;
let certificate: string;

async function told(...args: readonly string[]): Promise<Record<string, unknown>> {
  const program = site.spawn([...args, "--json"]);
  await program.success();
  return program.lines.at(-1) ?? {};
}

const spool = (): string => site.paths.gateway;
const spoolBefore = (): string => `${spool()}-before`;

/** Resolves when an envelope is on its way to a program. */
function envelopeTo(name: StationName): Promise<void> {
  return new Promise((resolve) => {
    site.traffic.on("envelope", (to) => {
      if (to === name) resolve();
    });
  });
}

/** Recordings that a clinician is shown, of every patient. */
async function shown() {
  const client = await site.signIn();
  return (await Promise.all((await client.patients()).map(({ id }) => client.recordings(id)))).flat();
}

/** Everything is on the server; the gateway had it too, and the terminal, whose receipts were lost, has it still. */
beforeAll(async () => {
  site = await Site.open();
  folder = site.deploy(1);
  certificate = join(site.paths.root, "certificate.json");
  const source = ["--synthetic", "--hours", String(HOURS), "--no-upload", "--json"];
  await site.spawn(["terminal", "record", "--data", folder, ...source]).success();
  await site.startAll();
  await site.station("server").stop();
  const spooled = envelopeTo("gateway");
  const upload = site.spawn(["terminal", "upload", "--data", folder, "--json"]);
  await spooled;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await upload.kill();
  await site.station("gateway").stop();
  cpSync(spool(), spoolBefore(), { recursive: true });
  await site.startAll();
  await vi.waitFor(async () => expect(await shown()).toHaveLength(1), { timeout: 30_000, interval: 500 });
  patient = (await (await site.signIn()).patients())[0]?.id ?? "";
}, 180_000);
afterAll(() => site.remove());

test("the operator erases the patient, and has it attested", async () => {
  const order = ["--patient", patient, "--reason", "asked for", "--certificate", certificate];
  const given = await told("erase", "--data", site.paths.server, ...order);
  expect(given).toMatchObject({ summary: { patient, recordingCount: 1, keyStoreCopies: 2 } });
  expect(JSON.parse(readFileSync(certificate, "utf8"))).toEqual(given);
  expect(await shown()).toEqual([]);
}, 60_000);

test("the terminal deletes what it still has, on the server's signed word, and sends nothing again", async () => {
  expect(await told("terminal", "status", "--data", folder)).not.toMatchObject({ journal: { items: 0 } });
  await site.spawn(["terminal", "upload", "--data", folder, "--json"]).success();
  expect(await told("terminal", "status", "--data", folder)).toMatchObject({ journal: { items: 0, quarantined: 0 } });
  expect(await shown()).toEqual([]);
}, 60_000);

test("a gateway's spool that was put back is forwarded, answered, and brings nothing back", async () => {
  await site.station("gateway").stop();
  rmSync(spool(), { recursive: true });
  cpSync(spoolBefore(), spool(), { recursive: true });
  const forwarded = envelopeTo("server");
  await site.start("gateway").ready;
  await forwarded;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(await shown()).toEqual([]);
  const { erasures } = await told("erasures", "list", "--data", site.paths.server);
  expect(erasures).toMatchObject([{ patient, reason: "asked for" }]);
}, 120_000);
