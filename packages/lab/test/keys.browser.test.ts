/** The page of a terminal's keys on a desk and on a phone: what it says, that it fits, and how it is reached. */
import { openDiskFolder } from "@pericard/framelog";
import type { TerminalId } from "@pericard/protocol";
import type { RecordingDescription } from "@pericard/server";
import { readProvision } from "@pericard/trsm";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDemo, prepareTerminal } from "../src/demo/installation.ts";
import { eventually, newestRecording, openBed, type Bed } from "./browser/bed.ts";
import { describeInBrowser, DESKTOP, openBrowser, PHONE, signIn, type Browser } from "./browser/chromium.ts";
import { brokenRules, reachedByTab } from "./browser/controls.ts";

const PICTURES = process.env["PERICARD_SCREENS"] ?? join(tmpdir(), "pericard-screens");
const DAY_MS = 24 * 3600 * 1000;

/** Whether the terminal took its change. Behind a gateway each contact is good for one step. */
function isDone({ paths }: Bed, serial: TerminalId): boolean {
  const { store } = openDemo(paths);
  const { changes } = store.keyLife(serial);
  store.close();
  return changes.some(({ state }) => state === "done");
}

describeInBrowser("the keys of a terminal", () => {
  let bed: Bed;
  let serial: TerminalId;
  let recording: RecordingDescription;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    bed = await openBed();
    const { store } = openDemo(bed.paths);
    prepareTerminal(bed.paths, store, 1, bed.gatewayUrl);
    ({ serial } = readProvision(openDiskFolder(bed.paths.terminal(1))));
    const atUnixMs = Date.now() - 10 * DAY_MS;
    store.markKeyUse(serial, { cycle: 0, index: 0, use: 0, usedCount: 0, atUnixMs });
    store.close();
    await bed.run(1, "record", "--synthetic", "--seed", "3", "--hours", "0.1", "--no-upload");
    await eventually("the end of the key change", async () => {
      await bed.run(1, "upload");
      return isDone(bed, serial) || undefined;
    });
    recording = await newestRecording(await bed.api(), 1);
    browser = await openBrowser(DESKTOP);
    ({ page } = browser);
    await signIn(page, bed.link());
  });
  afterAll(async () => {
    await browser.close();
    await bed.close();
  });

  async function check(name: string): Promise<void> {
    await page.screenshot({ path: join(PICTURES, `${name}.png`), timeout: 20_000 });
    expect(await brokenRules(page), name).toEqual([]);
    expect((await reachedByTab(page)).missed, name).toEqual([]);
  }

  it("are reached from a recording, with the change that the server made", async () => {
    await page.goto(`${bed.serverUrl}/recordings/${recording.id}`);
    await page.getByTestId("terminal-link").click();
    await page.waitForURL(`**/terminals/${serial}`);
    await page.getByTestId("key-changes").locator("li").first().waitFor();
    expect(await page.getByTestId("key-changes").innerText()).toContain("In force");
    expect(await page.getByTestId("maximum").innerText()).toMatch(/^\d{3} at most \(change 1\)$/);
    expect(await page.getByTestId("next-use").innerText()).toMatch(/^cycle 0 key [01] use \d+$/);
    expect(await page.getByTestId("keys-end").innerText()).toMatch(/^about \w{3} \d+ \w{3} 2\d{3}/);
    expect(await page.getByTestId("key-alarms").count()).toBe(0);
    await check("desktop-keys");
  });

  it("show alarms above all, and fit a phone", async () => {
    const { store } = openDemo(bed.paths);
    const detail = "cycle 0 key 0 use 60 after cycle 0 key 0 use 100";
    store.addKeyAlarm(serial, { atUnixMs: Date.now(), kind: "use", detail });
    store.addKeyAlarm(serial, { atUnixMs: Date.now() + 1, kind: "repeat", detail: "cycle 0 key 0 use 61" });
    store.close();
    await page.reload();
    await page.getByTestId("key-alarms").waitFor();
    const alarms = await page.getByTestId("key-alarms").locator("li").allInnerTexts();
    expect(alarms).toHaveLength(2);
    expect(alarms[1]).toContain("Uses went back");
    await check("desktop-key-alarms");
    await page.setViewportSize({ width: PHONE.width, height: PHONE.height });
    await check("phone-key-alarms");
  });

  it("are not there for a serial number that nobody has", async () => {
    await page.goto(`${bed.serverUrl}/terminals/00000000ffff`);
    await page.getByTestId("error").waitFor();
    expect(await page.getByTestId("error").innerText()).toContain("ERR_NOT_FOUND");
  });
});
