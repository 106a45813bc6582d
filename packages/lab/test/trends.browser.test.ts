/** Trends and values of a patient on the screen are those of the API, to the pixel and to the digit. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiClient, DescribedObservation } from "@pericard/server";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readerOf } from "../../server/test/support/reading.ts";
import {
  describeInBrowser,
  DESKTOP,
  openBrowser,
  PHONE,
  signIn,
  type Browser,
  type Screen,
} from "./browser/chromium.ts";
import { brokenRules, reachedByTab } from "./browser/controls.ts";
import { inkNear, readCharts, type Chart } from "./browser/trend-charts.ts";
import { admitWardPatient, openValuesSite, type ValuesSite } from "./browser/values-site.ts";

const PICTURES = process.env["PERICARD_SCREENS"] ?? join(tmpdir(), "pericard-screens");
const HOUR_MS = 3_600_000;

let ward: ValuesSite;
let client: ApiClient;
let patient: string;
let nobody: string;

describeInBrowser("trends", () => {
  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    ward = await openValuesSite();
    client = await readerOf(ward.site);
    patient = await admitWardPatient(ward, "Ward patient");
    nobody = ward.site.terminalOf("Patient without values").patient.id;
  });

  afterAll(() => ward.close());

  for (const [name, screen] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    describe(`on a ${name}`, () => onScreen(name, screen));
  }
});

async function everything(): Promise<readonly DescribedObservation[]> {
  const all: DescribedObservation[] = [];
  for await (const { observations } of client.allObservations(patient, { limit: 1000 })) all.push(...observations);
  return all;
}

/** What a device measured, newest first. */
async function everythingOf(name: string): Promise<readonly DescribedObservation[]> {
  return newestFirst((await everything()).filter(({ device }) => device === name));
}

function newestFirst(all: readonly DescribedObservation[]): readonly DescribedObservation[] {
  return all.toSorted((a, b) => (b.time.unixMs ?? -1) - (a.time.unixMs ?? -1));
}

function onScreen(name: string, screen: Screen): void {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser(screen);
    ({ page } = browser);
    await signIn(page, ward.link());
  });

  afterAll(() => browser.close());

  async function open(path: string, testId = "trend"): Promise<void> {
    await page.goto(`${ward.site.server.url}/patients/${path}`);
    await page.getByTestId(testId).first().waitFor();
    if (testId === "recordings") return;
    await page.locator('[data-complete="true"], [data-loading="false"]').first().waitFor();
  }

  /** Takes a picture of the window and one of the whole page; the page keeps the rules and Tab reaches everything. */
  async function check(what: string): Promise<void> {
    await page.screenshot({ path: join(PICTURES, `${name}-${what}.png`), timeout: 20_000 });
    expect(await brokenRules(page), what).toEqual([]);
    const { missed } = await reachedByTab(page);
    expect(missed, `${what}: controls that Tab does not reach`).toEqual([]);
  }

  it("leads from the patient's page to trends and values and back", async () => {
    await open(patient, "recordings");
    await page.getByTestId("tab-trends").click();
    await page.getByTestId("trend").first().waitFor();
    await page.getByTestId("tab-values").click();
    await page.getByTestId("values-table").waitFor();
    await page.goBack();
    await page.getByTestId("trend").first().waitFor();
    expect(await page.getByTestId("patient-name").innerText()).toBe("Ward patient");
  });

  it("shows a chart for every code, in the order of a flow sheet", async () => {
    await open(`${patient}/trends?range=30d`);
    const titles = await page.locator(".trend-head h2").allInnerTexts();
    expect(titles).toEqual([
      "Pulse rate /min",
      "Pulse rate /min",
      "Blood pressure mmHg",
      "Oxygen saturation %",
      "Respiratory rate /min",
      "Body temperature °C",
      "Glucose in blood mmol/L",
      "Glucose in blood mg/dL",
      "Body weight kg",
      "MDCX_ACME_STEPS {steps}",
    ]);
    await check("trends-30d");
  });

  for (const range of ["24h", "7d", "all"]) {
    it(`draws every value of ${range} at its place`, async () => {
      await open(`${patient}/trends?range=${range}`);
      const charts = await readCharts(page);
      const found = placesOf(charts, await everything());
      const lost = found.filter(({ chart, x, y }) => !inkNear(chart, x, y, 1.5));
      expect(lost.map(({ code, value, x, y }) => ({ code, value, x, y }))).toEqual([]);
      expect(found.length).toBeGreaterThan(range === "24h" ? 600 : 150);
      const moved = found.filter(({ chart, x, y }) => inkNear(chart, x, y - 40, 1.5));
      expect(moved.length, "values drawn 40 px away are noticed").toBeLessThan(found.length / 2);
      await check(`trends-${range}`);
    });
  }

  it("leaves a gap where the oximeter was off", async () => {
    await open(`${patient}/trends?range=24h`);
    const chart = (await readCharts(page)).find(({ key }) => key.startsWith("59408-5"));
    if (!chart) throw new Error("there is no chart of saturation");
    const x = (hours: number) => chart.leftPx + (ward.nowUnixMs - hours * HOUR_MS - chart.fromUnixMs) * chart.pxPerMs;
    for (let y = chart.topPx + 12; y < chart.bottomPx - 12; y += 1) {
      expect(inkNear(chart, x(3.4), y, 0.5), `ink at ${y} px in the gap`).toBe(false);
    }
  });

  it("names suspect values and draws them apart", async () => {
    await open(`${patient}/trends?range=24h`);
    const notes = await page.getByTestId("trend-suspects").allInnerTexts();
    expect(notes).toEqual([expect.stringMatching(/2 suspect values/)]);
    const charts = await readCharts(page);
    const saturation = charts.find(({ key }) => key.startsWith("59408-5"));
    if (!saturation) throw new Error("there is no chart of saturation");
    const x = (hours: number) =>
      saturation.leftPx + (ward.nowUnixMs - hours * HOUR_MS - saturation.fromUnixMs) * saturation.pxPerMs;
    expect(inkNear(saturation, x(2.5), saturation.topPx, 1.5, isRed), "127 % stands at the upper edge").toBe(true);
    expect(inkNear(saturation, x(7), saturation.bottomPx, 1.5, isRed), "3 % stands at the lower edge").toBe(true);
    expect(inkNear(saturation, x(5), saturation.topPx, 6, isRed)).toBe(false);
  });

  it("says what no chart can show", async () => {
    await open(`${patient}/trends?range=all`);
    expect(await page.getByTestId("untimed").innerText()).toBe(
      "2 values without a known time: in the table of values.",
    );
    expect(await page.getByTestId("outside").innerText()).toMatch(/^1 value with a time in the future/);
  });

  it("reads the value at the pointer and by keys: exact digits, exact time, whose word it is", async () => {
    await open(`${patient}/trends?range=24h`);
    const pressure = page.locator('[data-key^="blood pressure"]');
    const slider = pressure.getByTestId("trend-slider");
    const [newest, before] = await everythingOf("cuff");
    const [systolic, diastolic, mean] = newest?.components.map(({ value }) => value) ?? [];
    const said = `${systolic}/${diastolic} mmHg (mean ${mean})`;
    const reading = pressure.getByTestId("trend-reading");
    expect(await reading.innerText()).toContain(said);
    expect(await reading.innerText()).toContain("device's clock");
    await slider.focus();
    await page.keyboard.press("ArrowLeft");
    expect(await slider.getAttribute("aria-valuetext")).toContain(said);
    await page.keyboard.press("ArrowLeft");
    expect(await slider.getAttribute("aria-valuetext")).toContain(`${before?.components[0]?.value}/`);
    await page.keyboard.press("Home");
    expect(await slider.getAttribute("aria-valuenow")).toBe("1");
    const temperature = page.locator('[data-key^="8310-5"]');
    const chart = (await readCharts(page)).find(({ key }) => key.startsWith("8310-5"));
    const one = (await everythingOf("thermometer"))[2];
    const box = await temperature.getByTestId("trend-slider").boundingBox();
    if (!chart || !box) throw new Error("there is no chart of temperature");
    const x = chart.leftPx + ((one?.time.unixMs ?? 0) - chart.fromUnixMs) * chart.pxPerMs;
    const place = { x: x + 2, y: 60 };
    if (screen.touch) await temperature.getByTestId("trend-slider").tap({ position: place });
    else await temperature.getByTestId("trend-slider").hover({ position: place });
    const text = await temperature.getByTestId("trend-reading").innerText();
    expect(text).toContain(`${one?.components[0]?.value} °C`);
    expect(text).toContain(viennaClock(one?.time.unixMs ?? 0));
    await page.screenshot({ path: join(PICTURES, `${name}-trends-pointer.png`), timeout: 20_000 });
  });

  it("lists exactly what the API has, newest first, by day", async () => {
    await open(`${patient}/values?range=24h`, "values-table");
    await check("values");
    await open(`${patient}/values?range=all`, "values-table");
    const first = await page.evaluate<readonly (readonly string[])[]>(READ_ROWS);
    expect(first, "what is there first is whole").toEqual(rowsOf(await everything()).slice(0, first.length));
    expect(first.length).toBeGreaterThanOrEqual(300);
    while (await page.getByTestId("values-more").count()) {
      await page.getByTestId("values-more").click();
      await page.locator('[data-testid="values"][data-loading="false"]').waitFor();
    }
    const rows = await page.evaluate<readonly (readonly string[])[]>(READ_ROWS);
    expect(rows).toEqual(rowsOf(await everything()));
    const days = await page.locator(".values-day th").allInnerTexts();
    expect(new Set(days).size).toBe(days.length);
    expect(days.at(-1)).toMatch(/^Time unknown/);
  });

  it("prints without what is for screens alone, and nothing beyond the page", async () => {
    for (const [path, testId] of [
      ["trends?range=7d", "trend"],
      ["values?range=24h", "values-table"],
    ] as const) {
      await open(`${patient}/${path}`, testId);
      await page.emulateMedia({ media: "print" });
      expect(await page.getByTestId(testId).first().isVisible()).toBe(true);
      for (const hidden of ["patient-filter", "tab-values", "print", "range-30d", "sign-out"]) {
        expect([hidden, await page.getByTestId(hidden).isVisible()]).toEqual([hidden, false]);
      }
      expect(await page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      const { length } = await page.pdf({
        path: join(PICTURES, `${name}-print-${testId}.pdf`),
        preferCSSPageSize: true,
      });
      expect(length).toBeGreaterThan(10_000);
      await page.emulateMedia({ media: "screen" });
    }
  });

  it("lists one code alone", async () => {
    await open(`${patient}/values?range=all&code=29463-7`, "values-table");
    const units = await page.locator("td.values-unit").allInnerTexts();
    expect(units).toHaveLength(31);
    expect(await page.getByTestId("values-table").innerText()).toContain("time in the future");
    expect(new Set(units)).toEqual(new Set(["kg"]));
  });

  it("says plainly that there is nothing", async () => {
    await open(`${nobody}/trends`, "empty");
    expect(await page.getByTestId("empty").innerText()).toMatch(/^No values in the last 24 hours/);
    await check("trends-nothing");
    await open(`${nobody}/values`, "empty");
    expect(await page.getByTestId("empty").innerText()).toMatch(/^No values in the last 24 hours/);
    await check("values-nothing");
  });

  it("shows another tenant's clinician nothing", async () => {
    const other = await openBrowser(screen);
    try {
      await signIn(other.page, ward.link(`Elsewhere ${name}`));
      for (const path of [`${patient}/trends`, `${patient}/values`]) {
        await other.page.goto(`${ward.site.server.url}/patients/${path}`);
        await other.page.getByRole("alert").waitFor();
        expect(await other.page.locator("body").innerText()).not.toMatch(/mmHg|Ward patient/);
        expect(await other.page.getByTestId("trend").count()).toBe(0);
      }
    } finally {
      await other.close();
    }
  });

  it("does so without an error in the console", () => {
    expect(browser.errors).toEqual([]);
  });
}

/** Text of each row: time, name or code, value as stored, unit, mark, certainty, device. */
const READ_ROWS = `(() => {
  let time = "";
  return [...document.querySelectorAll('[data-testid="value-row"]')].map((row) => {
    time = row.querySelector("th")?.textContent ?? time;
    const cell = (name) => row.querySelector("td.values-" + name);
    const code = row.querySelector(".values-code")?.textContent ?? cell("measurement").firstChild.data;
    return [time, code, cell("value").dataset.value, cell("unit").textContent, cell("mark").textContent,
      cell("time-is").textContent, cell("device").textContent];
  });
})()`;

const UNITS: Readonly<Record<string, string>> = { Cel: "°C", "mm[Hg]": "mmHg" };
const CERTAINTIES: Readonly<Record<string, string>> = {
  device: "device's clock",
  measured: "measured",
  unknown: "time unknown",
};

function rowsOf(all: readonly DescribedObservation[]): readonly (readonly string[])[] {
  return newestFirst(all).flatMap(({ components, device, time }) =>
    components.map(({ code, value, unit, suspect }) => [
      time.unixMs === null ? "unknown" : viennaClock(time.unixMs),
      code,
      value,
      UNITS[unit] ?? unit,
      markOf(suspect, time.unixMs),
      CERTAINTIES[time.certainty] ?? "",
      device ?? "",
    ]),
  );
}

function markOf(suspect: boolean, unixMs: number | null): string {
  if (suspect) return "suspect";
  return (unixMs ?? 0) > Date.now() + HOUR_MS ? "time in the future" : "";
}

function viennaClock(unixMs: number): string {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "Europe/Vienna" }).format(unixMs);
}

interface Place {
  readonly chart: Chart;
  readonly code: string;
  readonly value: string;
  readonly x: number;
  readonly y: number;
}

/** Where each value that a body can have must be: at its time, or in the column of its stretch when there are several. */
function placesOf(charts: readonly Chart[], all: readonly DescribedObservation[]): readonly Place[] {
  return all.flatMap(({ components, time: { unixMs } }) =>
    components.flatMap(({ code, value, suspect }) => {
      const chart = charts.find(({ codes }) => codes.includes(code));
      if (!chart || suspect || unixMs === null) return [];
      if (unixMs < chart.fromUnixMs || unixMs > ward.nowUnixMs + HOUR_MS) return [];
      const others = all.filter(
        (other) =>
          Math.floor((other.time.unixMs ?? -1) / chart.bucketMs) === Math.floor(unixMs / chart.bucketMs) &&
          other.components.some((one) => one.code === code && !one.suspect),
      );
      const at = others.length === 1 ? unixMs : (Math.floor(unixMs / chart.bucketMs) + 0.5) * chart.bucketMs;
      const x = chart.leftPx + (at - chart.fromUnixMs) * chart.pxPerMs;
      return [{ chart, code, value, x, y: chart.bottomPx - (Number(value) - chart.low) * chart.pxPerUnit }];
    }),
  );
}

/** Ink of a suspect value. */
function isRed(r: number, g: number, b: number): boolean {
  return r > 140 && g < 120 && b < 120;
}
