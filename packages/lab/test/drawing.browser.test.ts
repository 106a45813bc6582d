/** What the screen shows of real records is what their files hold, to the pixel. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBed, type Bed } from "./browser/bed.ts";
import { describeInBrowser, DESKTOP, openBrowser, signIn, type Browser } from "./browser/chromium.ts";
import { settledPaper, type Paper } from "./browser/paper.ts";
import { readTruth, RECORDS_MISSING, recordPath, type Truth } from "./browser/records.ts";
import { horizontalLines, measurePulse, verticalLines, type Line } from "./browser/scales.ts";
import { boundLines, compareTraces } from "./browser/traces.ts";

const MM_PX = 96 / 25.4;
const PULSE_FROM_MM = 10;
const PULSE_SECONDS = 0.2;
const HALF_A_PIXEL = 0.5;

/** A place in a record, and the scales to look at it with. */
interface Look {
  readonly record: string;
  readonly atSeconds: number;
  readonly scale: 1 | 2;
  readonly speed: number;
  readonly gain: number;
}

const LOOKS: readonly Look[] = [
  { record: "mitdb/100", atSeconds: 0, scale: 1, speed: 25, gain: 10 },
  { record: "mitdb/100", atSeconds: 600, scale: 2, speed: 25, gain: 10 },
  { record: "mitdb/100", atSeconds: 1799, scale: 1, speed: 50, gain: 20 },
  { record: "mitdb/100", atSeconds: 300, scale: 2, speed: 6.25, gain: 5 },
  { record: "twadb/twa01", atSeconds: 60, scale: 1, speed: 25, gain: 10 },
  { record: "twadb/twa01", atSeconds: 60, scale: 2, speed: 50, gain: 20 },
  { record: "ptbdb/s0010_re", atSeconds: 0, scale: 1, speed: 25, gain: 10 },
  { record: "ptbdb/s0010_re", atSeconds: 20, scale: 2, speed: 50, gain: 5 },
  { record: "mimicdb/03700181", atSeconds: 120, scale: 1, speed: 25, gain: 10 },
  { record: "mimicdb/03700181", atSeconds: 300, scale: 2, speed: 12.5, gain: 20 },
  { record: "macecgdb/test01_00s_skewframe", atSeconds: 0, scale: 1, speed: 25, gain: 10 },
  { record: "macecgdb/test01_00s_skewframe", atSeconds: 3, scale: 2, speed: 50, gain: 5 },
];

const RECORDS = [...new Set(LOOKS.map(({ record }) => record))];

describeInBrowser("traces of real records", () => drawing(), RECORDS_MISSING);

function drawing(): void {
  let bed: Bed;
  const browsers = new Map<number, Browser>();
  const ids = new Map<string, string>();
  const truths = new Map<string, Truth>();

  beforeAll(async () => {
    bed = await openBed();
    for (const [i, name] of RECORDS.entries()) {
      ids.set(name, await bed.record(i + 1, "--record", recordPath(name)));
      truths.set(name, await readTruth(name));
    }
    for (const scale of [1, 2]) {
      const browser = await openBrowser({ ...DESKTOP, scale });
      browsers.set(scale, browser);
      await signIn(browser.page, bed.link());
    }
  });

  afterAll(async () => {
    for (const browser of browsers.values()) await browser.close();
    await bed.close();
  });

  async function open({ record, atSeconds, scale, speed, gain }: Look): Promise<Paper> {
    const browser = browsers.get(scale);
    if (!browser) throw new Error(`no browser of scale ${scale}`);
    const { page } = browser;
    await page.goto(`${bed.serverUrl}/recordings/${ids.get(record)}?at=${atSeconds}`);
    await page.getByTestId("speed").selectOption(String(speed));
    await page.getByTestId("gain").selectOption(String(gain));
    const paper = await settledPaper(page);
    expect([paper.speedMmPerS, paper.gainMmPerMv, paper.scale]).toEqual([speed, gain, scale]);
    return paper;
  }

  function truthOf(record: string): Truth {
    const truth = truths.get(record);
    if (!truth) throw new Error(`${record} was not read`);
    return truth;
  }

  for (const look of LOOKS) {
    const { record, atSeconds, scale, speed, gain } = look;
    it(`shows ${record} at ${atSeconds} s with ${speed} mm/s, ${gain} mm/mV, scale ${scale}`, async () => {
      const paper = await open(look);
      expectTraces(paper, truthOf(record));
      expectScales(paper, truthOf(record), look);
    });
  }

  it("names leads as the record does, in clinical order", async () => {
    const paper = await open({ record: "ptbdb/s0010_re", atSeconds: 0, scale: 1, speed: 25, gain: 10 });
    const { format } = truthOf("ptbdb/s0010_re");
    const names = paper.leadOrder.map((lead) => format.leads[lead]?.name);
    expect(names).toEqual("i ii iii avr avl avf v1 v2 v3 v4 v5 v6 vx vy vz".split(" "));
  });

  it("says the scale of a pressure", async () => {
    await open({ record: "mimicdb/03700181", atSeconds: 120, scale: 1, speed: 25, gain: 10 });
    const scales = await browsers.get(1)?.page.getByTestId("lead-scales").getByRole("listitem").allTextContents();
    expect(scales?.join("; ")).toMatch(/ABP: 10 mm = \d+ mmHg/);
  });

  it("draws without an error in the console", () => {
    expect([...browsers.values()].flatMap(({ errors }) => errors)).toEqual([]);
  });
}

/** Every sample in view is drawn within one device pixel of its place, and nothing is drawn where no sample is. */
function expectTraces(paper: Paper, truth: Truth): void {
  const found = compareTraces(paper, truth, boundLines(paper, truth.frameCount));
  expect(paper.resolution).toBe("samples");
  expect(found).toMatchObject({ lost: 0, lostPeaks: 0, strays: 0, leads: truth.leads.length });
  expect(found.samples).toBeGreaterThan(1000);
  expect(found.peaks).toBeGreaterThan(2);
  const threeMm = 3 * MM_PX * paper.scale;
  expect(found.lostWhenMoved(0, -threeMm), "a trace 3 mm too low is noticed").toBeGreaterThan(found.samples / 2);
  expect(found.lostPeaksWhenMoved(threeMm, 0), "a trace 3 mm too early is noticed").toBeGreaterThan(found.peaks / 2);
}

/** Grid, mapping and pulses have true millimetres. */
function expectScales(paper: Paper, { format, frameCount }: Truth, { scale, speed, gain }: Look): void {
  const mm = MM_PX * scale;
  const xOf = (frame: number): number => (frame - paper.fromFrame) * paper.pxPerFrame * scale;
  expect(paper.pxPerMm).toBe(MM_PX);
  expect(paper.pxPerFrame * (format.frameRateHz.num / format.frameRateHz.den)).toBeCloseTo(speed * MM_PX, 9);
  const voltages = paper.leadOrder.filter((lead) => format.leads[lead]?.units === "mV");
  const zeroY = (lead: number | undefined): number => (paper.rowBaselinePx[lead ?? -1] ?? Number.NaN) * scale;
  expectGrid(horizontalLines(paper), zeroY(voltages[0]), mm);
  expectGrid(verticalLines(paper, Math.max(paper.gutterPx * scale + 1, xOf(0) + 3), xOf(frameCount) - 3), xOf(0), mm);
  for (const lead of voltages) {
    const { name, gainAduPerUnit } = format.leads[lead] ?? { name: "", gainAduPerUnit: "" };
    expect((paper.pxPerAdu[lead] ?? 0) * Number(gainAduPerUnit)).toBeCloseTo(gain * MM_PX, 9);
    const widthMm = PULSE_SECONDS * speed;
    const pulse = measurePulse(paper, zeroY(lead), gain * mm, PULSE_FROM_MM * mm, widthMm * mm);
    expect(Math.abs(pulse.height - gain * mm), `height of the pulse of ${name}`).toBeLessThan(HALF_A_PIXEL);
    if (widthMm >= 2)
      expect(Math.abs(pulse.width - widthMm * mm), `width of the pulse of ${name}`).toBeLessThan(HALF_A_PIXEL);
  }
}

/** Lines stand at whole millimetres from an anchor, to half a device pixel; each fifth is bold. */
function expectGrid(lines: readonly Line[], anchor: number, mm: number): void {
  expect(lines.length).toBeGreaterThan(50);
  const numbers = lines.map(({ at }) => Math.round((at - anchor) / mm) + 0);
  const off = lines.map(({ at }, i) => Math.abs(at - anchor - (numbers[i] ?? 0) * mm));
  expect(Math.max(...off)).toBeLessThanOrEqual(0.51);
  expect(lines.map(({ bold }) => bold)).toEqual(numbers.map((number) => number % 5 === 0));
  const first = numbers[0] ?? 0;
  expect(numbers, "no line is left out").toEqual(numbers.map((_, i) => first + i));
}
