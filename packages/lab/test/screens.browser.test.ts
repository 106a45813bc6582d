/** The pages on a desk and on a phone: what can be reached, how it is named, and that it fits. Pictures are kept. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordingDescription } from "@pericard/server";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
import { brokenRules, reachedByTab, type Control } from "./browser/controls.ts";
import { settledPaper } from "./browser/paper.ts";

const PICTURES = process.env["PERICARD_SCREENS"] ?? join(tmpdir(), "pericard-screens");
/** Least share of the window's height that shows ECG. */
const PAPER_SHARE = 0.55;

describeInBrowser("screens", () => {
  let bed: Bed;
  let whole: RecordingDescription;
  let live: RecordingDescription;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    bed = await openBed();
    await bed.record(1, "--synthetic", "--seed", "3", "--hours", "0.1");
    await bed.start(2, "--synthetic", "--segment-seconds", "1");
    const api = await bed.api();
    whole = await newestRecording(api, 1);
    live = await newestRecording(api, 2, ({ state }) => state === "live");
  });

  afterAll(() => bed.close());

  for (const [name, screen] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    describe(`on a ${name}`, () => onScreen(name, screen, () => ({ bed, whole, live })));
  }
});

interface Ground {
  readonly bed: Bed;
  readonly whole: RecordingDescription;
  readonly live: RecordingDescription;
}

function onScreen(name: string, screen: Screen, ground: () => Ground): void {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser(screen);
    ({ page } = browser);
  });

  afterAll(() => browser.close());

  const picture = (what: string): Promise<unknown> =>
    page.screenshot({ path: join(PICTURES, `${name}-${what}.png`), timeout: 20_000 });

  /** Takes a picture; the page fits, names what it has, and every control is reached by Tab. */
  async function check(what: string): Promise<readonly Control[]> {
    await picture(what);
    expect(await brokenRules(page), what).toEqual([]);
    const { reached, missed } = await reachedByTab(page);
    expect(missed, `${what}: controls that Tab does not reach`).toEqual([]);
    return reached;
  }

  it("shows the sign-in page", async () => {
    await page.goto(`${ground().bed.serverUrl}/sign-in`);
    await page.getByRole("heading").waitFor();
    await check("sign-in");
    await page.goto(ground().bed.link());
    await page.getByTestId("sign-in-button").waitFor();
    await check("sign-in-link");
    await signIn(page, ground().bed.link());
  });

  it("shows patients and recordings", async () => {
    await page.getByTestId("patient").first().waitFor();
    await check("patients");
    await page.getByTestId("patient-filter").fill("patient 1");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByTestId("recording").waitFor();
    await check("recordings");
    await page.getByTestId("recording").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/recordings/*");
  });

  it("shows a recording", async () => {
    const { bed, whole } = ground();
    await page.goto(`${bed.serverUrl}/recordings/${whole.id}?at=20`);
    await settledPaper(page);
    const reached = await check("recording");
    expect(reached.length).toBeGreaterThan(10);
    const box = await page.getByTestId("paper").boundingBox();
    expect((box?.height ?? 0) / screen.height).toBeGreaterThan(PAPER_SHARE);
    await page.getByTestId("speed").selectOption("whole");
    await settledPaper(page);
    await check("whole");
  });

  it("shows a live recording", async () => {
    const { bed, live } = ground();
    await page.goto(`${bed.serverUrl}/recordings/${live.id}`);
    await settledPaper(page);
    await page.waitForTimeout(1500);
    await check("live");
  });

  it("shows what it has to say when there is nothing", async () => {
    await page.goto(`${ground().bed.serverUrl}/recordings/${"0".repeat(32)}`);
    await page.getByRole("alert").waitFor();
    await check("nothing");
  });

  it("shows how to make a millimetre true", async () => {
    const { bed, whole } = ground();
    await page.goto(`${bed.serverUrl}/recordings/${whole.id}`);
    await settledPaper(page);
    await page.getByTestId("calibrate").click();
    await page.getByTestId("calibration").waitFor();
    await check("calibration");
    await page.getByTestId("calibration-close").click();
    await page.getByTestId("calibration").waitFor({ state: "detached" });
    expect(await page.evaluate<string>("document.activeElement.dataset.testid"), "focus returns").toBe("calibrate");
    await page.getByTestId("calibrate").click();
    await page.getByTestId("calibration").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("calibration").waitFor({ state: "detached" });
  });
}
