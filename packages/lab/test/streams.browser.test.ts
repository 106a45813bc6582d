/** A recording of several streams on the screen: each with its own rate and scale on one time axis, values beside them. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readerOf } from "../../server/test/support/reading.ts";
import { component } from "../../server/test/support/test-observations.ts";
import { PLAIN_SHAPE, TestRecording } from "../../server/test/support/test-recording.ts";
import { drawBoot } from "../../server/test/support/test-terminal.ts";
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
import { settledPaper, type Paper } from "./browser/paper.ts";
import { synthesise, type Truth } from "./browser/records.ts";
import { boundLines, compareTraces } from "./browser/traces.ts";
import { observed, openValuesSite, uploadValues, type ValuesSite } from "./browser/values-site.ts";

const PICTURES = process.env["PERICARD_SCREENS"] ?? join(tmpdir(), "pericard-screens");
const SECONDS = 60;
/** How much later than the ECG the oximeter began. */
const LATER_MS = 400;
const STRIP = '[data-testid="stream-canvas"][data-stream="1"]';

let ward: ValuesSite;
let recordingId: string;
let valuesId: string;
let startUnixMs: number;
let ecg: Truth;
let oximeter: Truth;

describeInBrowser("a recording of several streams", () => {
  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    ward = await openValuesSite();
    await record();
  });

  afterAll(() => ward.close());

  for (const [name, screen] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    describe(`on a ${name}`, () => onScreen(name, screen));
  }
});

/** ECG at 500 Hz, pleth and respiration at 125/2 Hz, and values of an oximeter and a cuff in the same minute. */
async function record(): Promise<void> {
  const { site } = ward;
  site.clock.unixMs -= 3_600_000;
  const { terminal, patient } = site.terminalOf("Patient of several signals");
  site.clock.unixMs += 3_600_000;
  const bootId = drawBoot();
  await site.post(terminal.status({ bootId, monotonicMs: 600_000 }));
  startUnixMs = site.clock.unixMs - 120_000;
  const at = (monotonicMs: number) => ({ boot: { bootId, monotonicMs } });
  ecg = synthesise({ seed: 5, heartRateBpm: 72 }, SECONDS * 500);
  oximeter = oximeterTruth();
  const streams = [{ number: 0, truth: ecg, recording: new TestRecording(terminal, shapeOf(ecg), at(480_000)) }];
  recordingId = streams[0]?.recording.id ?? "";
  const second = new TestRecording(terminal, shapeOf(oximeter), at(480_000 + LATER_MS), streams[0]?.recording.id);
  streams.push({ number: 1, truth: oximeter, recording: second });
  for (const { number, truth, recording } of streams) {
    const perSegment = truth.frameCount / 6;
    const sealed = Array.from({ length: 6 }, (_, i) => {
      const leads = truth.leads.map((values) => values.slice(i * perSegment, (i + 1) * perSegment));
      return recording.next({ frameCount: perSegment, leads, header: { stream: number, final: i === 5 } }).sealed;
    });
    await site.post(terminal.envelope(...sealed));
  }
  const values = Array.from({ length: 12 }, (_, i) => {
    const percent = i === 7 ? 127 : 95 + (i % 4);
    return observed(startUnixMs + i * 5000, "oximeter", component("59408-5", "%", percent));
  });
  const cuff = [component("8480-6", "mm[Hg]", 131), component("8462-4", "mm[Hg]", 84)];
  await uploadValues(ward, terminal, [...values, observed(startUnixMs + 3000, "cuff", ...cuff)]);
  const recordings = await (await readerOf(site)).recordings(patient.id);
  valuesId = recordings.find(({ leads }) => leads.length === 0)?.id ?? "";
}

function shapeOf({ format }: Truth): ConstructorParameters<typeof TestRecording>[1] {
  return { frameRateHz: format.frameRateHz, leads: [...format.leads] };
}

const beat = (i: number) =>
  Math.round(900 * Math.exp(-(((i % 52) - 12) ** 2) / 60) + 250 * Math.exp(-(((i % 52) - 26) ** 2) / 40));
const breath = (i: number) => Math.round(700 * Math.sin((2 * Math.PI * i) / 250));

/** A pulse and a breath that no test knows but by its numbers. */
function oximeterTruth(): Truth {
  const [lead] = PLAIN_SHAPE.leads;
  if (!lead) throw new Error("shape has no lead");
  const frameCount = (SECONDS * 125) / 2;
  return {
    format: {
      frameRateHz: { num: 125, den: 2 },
      leads: [
        { ...lead, name: "MDC_PULS_OXIM_PLETH", units: "NU", gainAduPerUnit: "1000" },
        { ...lead, name: "RESP", units: "Ohm", gainAduPerUnit: "500", baselineAdu: 120 },
      ],
    },
    frameCount,
    leads: [beat, breath].map((make) => Int32Array.from({ length: frameCount }, (_, i) => make(i))),
  };
}

function onScreen(name: string, screen: Screen): void {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser(screen);
    await signIn(browser.page, ward.link());
  });

  afterAll(() => browser.close());

  async function open(query: string): Promise<readonly [leads: Paper, strip: Paper]> {
    const { page } = browser;
    await page.goto(`${ward.site.server.url}/recordings/${recordingId}?${query}`);
    await page.getByTestId("lanes").waitFor();
    const strip = await settledPaper(page, 30_000, STRIP);
    return [await settledPaper(page), strip];
  }

  it("draws every sample of each stream at its place, with its own scale and unit", async () => {
    const [leads, strip] = await open("at=10");
    for (const [paper, truth] of [
      [leads, ecg],
      [strip, oximeter],
    ] as const) {
      const found = compareTraces(paper, truth, boundLines(paper, truth.frameCount));
      expect(found).toMatchObject({ lost: 0, leads: truth.leads.length });
      expect(found.samples).toBeGreaterThan(100);
      expect(found.lostWhenMoved(0, 12 * screen.scale)).toBeGreaterThan(found.samples / 3);
    }
    const scales = await browser.page.getByTestId("stream-scales").getByRole("listitem").allTextContents();
    const pane = await browser.page.getByTestId("paper").boundingBox();
    const shown = await browser.page.locator(STRIP).boundingBox();
    expect(shown?.y, "the strip is seen without scrolling").toBeLessThan((pane?.y ?? 0) + (pane?.height ?? 0) - 80);
    expect(scales).toEqual([
      expect.stringMatching(/^Pleth: 10 mm = .* NU$/),
      expect.stringMatching(/^RESP: 10 mm = .* Ohm$/),
    ]);
    await browser.page.screenshot({ path: join(PICTURES, `${name}-streams.png`), timeout: 20_000 });
    expect(await brokenRules(browser.page)).toEqual([]);
  });

  it("keeps the streams at the same time, wherever it is moved and however it is scaled", async () => {
    for (const key of ["", "PageDown", "-", "-", "End", "Home", "+"]) {
      if (key === "") await open("at=20");
      else await browser.page.keyboard.press(key);
      const strip = await settledPaper(browser.page, 30_000, STRIP);
      const leads = await settledPaper(browser.page);
      expect(strip.gutterPx).toBe(leads.gutterPx);
      for (const seconds of [0, 13, 60]) {
        const x = (seconds * 500 - leads.fromFrame) * leads.pxPerFrame;
        const other = ((seconds - LATER_MS / 1000) * 62.5 - strip.fromFrame) * strip.pxPerFrame;
        expect(Math.abs(x - other), `${key}: ${seconds} s`).toBeLessThan(0.01);
      }
    }
  });

  it("has the values of that time under the signals, each at its time", async () => {
    const [leads] = await open("at=0");
    const { page } = browser;
    await page.getByTestId("speed").selectOption(screen.touch ? "3.125" : "6.25");
    await page.waitForTimeout(300);
    const paper = await settledPaper(page);
    expect(paper.pxPerFrame).toBeLessThan(leads.pxPerFrame);
    const canvas = await page.getByTestId("ecg-canvas").boundingBox();
    const lane = page.locator('[data-testid="lane"][data-key^="59408-5"]');
    const marks = lane.getByTestId("lane-mark");
    expect(await marks.count()).toBeGreaterThan(3);
    for (const mark of await marks.all()) {
      const unixMs = Number(await mark.getAttribute("data-unix-ms"));
      const box = await mark.boundingBox();
      const x = (((unixMs - startUnixMs) / 1000) * 500 - paper.fromFrame) * paper.pxPerFrame;
      expect(Math.abs((box?.x ?? 0) - (canvas?.x ?? 0) - x)).toBeLessThan(1);
      const number = Math.round((unixMs - startUnixMs) / 5000);
      expect(await mark.getAttribute("title")).toContain(`${number === 7 ? 127 : 95 + (number % 4)} %`);
      expect(await mark.getAttribute("data-suspect")).toBe(String(number === 7));
    }
    const cuff = page.locator('[data-testid="lane"][data-key^="blood pressure"]').getByTestId("lane-mark");
    expect(await cuff.innerText()).toBe("131/84 mmHg");
  });

  it("leads from a recording of values alone to the trends", async () => {
    const { page } = browser;
    await page.goto(`${ward.site.server.url}/recordings/${valuesId}`);
    await page.getByTestId("to-trends").click();
    await page.getByTestId("trend").first().waitFor();
    await page.getByTestId("tab-recordings").click();
    await page.getByTestId("recordings").waitFor();
    const text = await page.getByTestId("recordings").innerText();
    expect(text).toContain("13 observations");
    expect(text).toContain("Pleth; RESP");
    await page.screenshot({ path: join(PICTURES, `${name}-streams-list.png`), timeout: 20_000 });
  });

  it("does so without an error in the console", () => {
    expect(browser.errors).toEqual([]);
  });
}
