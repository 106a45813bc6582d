/** The key change between real processes, each of them killed in the middle of it. */
import { openDiskFolder } from "@pericard/framelog";
import type { TerminalId } from "@pericard/protocol";
import { readProvision } from "@pericard/trsm";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Program } from "../src/crash/program.ts";
import { Site } from "../src/crash/site.ts";
import { tell } from "./support/tell.ts";

const DAY_MS = 24 * 3600 * 1000;
const WITHIN_MS = 120_000;

/** Ten days in which the server saw hardly a use. */
function seeSlowTerminal(site: Site, serial: TerminalId): void {
  site.withStore((store) => {
    const atUnixMs = Date.now() - 10 * DAY_MS;
    store.markKeyUse(serial, { cycle: 0, index: 0, use: 0, usedCount: 0, atUnixMs });
  });
}

/** Waits until the terminal's one change is in one of the states. */
async function changeIn(site: Site, serial: TerminalId, states: readonly string[]) {
  const giveUpMs = performance.now() + WITHIN_MS;
  for (;;) {
    const { changes } = site.withStore((store) => store.keyLife(serial));
    const found = changes.find(({ state }) => states.includes(state));
    if (found) return { change: found, count: changes.length };
    if (performance.now() > giveUpMs) throw new Error(`change did not become ${states.join(" or ")}`);
    await sleep(20);
  }
}

async function resultOf(program: Program): Promise<Record<string, unknown>> {
  await program.success();
  return program.lines.at(-1) ?? {};
}

describe("a key change", () => {
  test("ends on both sides although server, gateway and terminal are killed in the middle of it", async () => {
    const startedMs = performance.now();
    const site = await Site.open();
    onTestFinished(() => site.remove());
    const folder = site.deploy(1);
    const { serial } = readProvision(openDiskFolder(folder));
    seeSlowTerminal(site, serial);
    const first = ["terminal", "record", "--data", folder, "--synthetic", "--hours", "0.01", "--no-upload", "--json"];
    await site.spawn(first).success();
    await site.startAll();
    const args = ["terminal", "record", "--data", folder, "--synthetic", "--segment-seconds", "1", "--json"];
    let terminal = site.spawn(args);
    await changeIn(site, serial, ["offered", "ordered", "done"]);
    await Promise.all([site.station("server").kill(), site.station("gateway").kill()]);
    await site.startAll();
    await changeIn(site, serial, ["ordered", "done"]);
    await terminal.kill();
    terminal = site.spawn(args);
    const { change, count } = await changeIn(site, serial, ["done"]);
    // It may have begun this moment, with all of the change done before: it could not hear that it is to stop.
    await terminal.kill();
    const status = await resultOf(site.spawn(["terminal", "status", "--data", folder, "--json"]));
    expect(status["keyUse"]).toMatchObject({ maximum: change.maximum, policyVersion: change.version });
    const shown = await resultOf(site.spawn(["factory", "keys", serial, "--data", site.paths.server, "--json"]));
    expect(shown).toMatchObject({
      terminalSerial: serial,
      maximum: change.maximum,
      version: change.version,
      alarms: [],
    });
    await site.stopAll();
    tell("key change", { version: change.version, changes: count, maximum: change.maximum }, startedMs);
  });
});
