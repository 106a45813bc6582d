/** Recordings of suite paper-2018 in the viewer: marked in the list and above the paper, on a desk and on a phone. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordingDescription } from "@pericard/server";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startChild } from "../src/demo/child.ts";
import { newestRecording, openBed, type Bed } from "./browser/bed.ts";
import {
  describeInBrowser,
  DESKTOP,
  openBrowser,
  PHONE,
  signIn,
  type Browser,
  type Screen,
} from "./browser/chromium.ts";
import { brokenRules } from "./browser/controls.ts";
import { settledPaper } from "./browser/paper.ts";

const PICTURES = process.env["PERICARD_SCREENS"] ?? join(tmpdir(), "pericard-screens");
const MARK = "paper-2018, experiment";

/** Deploys terminal 1 for the suite; the bed gives it its patient and its target. */
async function deployPaper({ paths }: Bed): Promise<void> {
  const where = ["--data", paths.server, "--passphrase-file", paths.passphraseFile, "--out", paths.terminal(1)];
  const target = ["--target", "http://127.0.0.1:1", "--token", "given by the bed"];
  const args = ["factory", "deploy", "--suite", "paper-2018", ...where, ...target, "--json"];
  const child = await startChild({ args, onLog: () => undefined });
  expect(await child.ended).toBe(0);
}

describeInBrowser("the mark of suite paper-2018", () => {
  let bed: Bed;
  let onPaper: RecordingDescription;
  let modern: RecordingDescription;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    bed = await openBed();
    await deployPaper(bed);
    for (const number of [1, 2]) await bed.record(number, "--synthetic", "--seed", "3", "--hours", "0.02");
    const api = await bed.api();
    onPaper = await newestRecording(api, 1);
    modern = await newestRecording(api, 2);
  });

  afterAll(() => bed.close());

  for (const [name, screen] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    describe(`on a ${name}`, () => onScreen(name, screen, () => ({ bed, onPaper, modern })));
  }
});

interface Ground {
  readonly bed: Bed;
  readonly onPaper: RecordingDescription;
  readonly modern: RecordingDescription;
}

function onScreen(name: string, screen: Screen, ground: () => Ground): void {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser(screen);
    ({ page } = browser);
    await signIn(page, ground().bed.link());
  });

  afterAll(() => browser.close());

  async function openRecording({ id }: RecordingDescription): Promise<void> {
    await page.goto(`${ground().bed.serverUrl}/recordings/${id}?at=5`);
    await settledPaper(page);
  }

  it("stands above a recording of that suite", async () => {
    await openRecording(ground().onPaper);
    expect(await page.getByTestId("paper-badge").innerText()).toBe(MARK);
    await page.screenshot({ path: join(PICTURES, `${name}-paper-2018.png`), timeout: 20_000 });
    expect(await brokenRules(page)).toEqual([]);
  });

  it("stands in the list of recordings", async () => {
    await page.goto(ground().bed.serverUrl);
    await page.getByTestId("patients").waitFor();
    await page.getByTestId("patient-filter").fill("patient 1");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByTestId("recording").waitFor();
    expect(await page.getByTestId("paper-badge").count()).toBe(1);
    await page.screenshot({ path: join(PICTURES, `${name}-paper-2018-list.png`), timeout: 20_000 });
    expect(await brokenRules(page)).toEqual([]);
  });

  it("does not stand above any other", async () => {
    await openRecording(ground().modern);
    expect(await page.getByTestId("paper-badge").count()).toBe(0);
  });
}
