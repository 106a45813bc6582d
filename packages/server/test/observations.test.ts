/** Several streams to a recording, and observations from upload to reading. */
import { utf8, type BootId, type Observation } from "@pericard/protocol";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../src/client/api-client.ts";
import type { DescribedObservation } from "../src/retrieval/observations.ts";
import { everySample, readerOf, readFramed, signIn } from "./support/reading.ts";
import { CLAIMED_MS, component, ObservationStream } from "./support/test-observations.ts";
import { PLAIN_SHAPE, TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import { drawBoot, type TestTerminal } from "./support/test-terminal.ts";

/** Time for what happens after the receipt. */
const SOON = { timeout: 20_000 };

const saturation = (percent: number, afterMs = 0): Observation => ({
  afterMs,
  claimed: null,
  device: "oximeter",
  components: [component("59408-5", "%", percent)],
});

const pressure = (systolic: number, diastolic: number, unixMs: number): Observation => ({
  afterMs: 0,
  claimed: { unixMs, zoneOffsetMinutes: 60 },
  device: null,
  components: [component("8480-6", "mm[Hg]", systolic), component("8462-4", "mm[Hg]", diastolic)],
});

const inStream = (stream: number, final = false) => ({ header: { stream, final } });

let site: TestInstallation;
let terminal: TestTerminal;
let cookie: string;
let client: ApiClient;

beforeAll(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminalOf("somebody").terminal;
  cookie = await signIn(site);
  client = await readerOf(site);
});
afterAll(() => site.remove());

async function upload(of: TestTerminal, ...segments: readonly Uint8Array[]): Promise<void> {
  const { receipted } = await site.post(of.envelope(...segments));
  expect(receipted).toHaveLength(segments.length);
}

async function all(of: string, wish: Parameters<ApiClient["allObservations"]>[1] = {}) {
  const found: DescribedObservation[] = [];
  for await (const page of client.allObservations(of, wish)) found.push(...page.observations);
  return found;
}

const valuesOf = (found: readonly DescribedObservation[]) =>
  found.map(({ components }) => components.map(({ value }) => value).join("/"));

/** A patient of its own with a terminal. */
function somebody(name: string): { readonly own: TestTerminal; readonly id: string } {
  const owner = site.terminalOf(name);
  return { own: owner.terminal, id: owner.patient.id };
}

describe("a recording of several streams", () => {
  test("gives each of them exactly, with its own extent, start and leads", async () => {
    const bootId: BootId = drawBoot();
    const bootAt = (monotonicMs: number) => ({ boot: { bootId, monotonicMs } });
    const ecg = new TestRecording(terminal, PLAIN_SHAPE, bootAt(10_000));
    const [lead] = PLAIN_SHAPE.leads;
    const pleth = new TestRecording(
      terminal,
      { frameRateHz: { num: 125, den: 2 }, leads: [{ ...lead, name: "MDC_PULS_OXIM_PLETH", units: "NU" } as never] },
      bootAt(10_400),
      ecg.id,
    );
    const values = new ObservationStream(terminal, 2, { recording: ecg.id, ...bootAt(11_000) });
    await site.post(terminal.status({ bootId, monotonicMs: 9000 }));
    await upload(
      terminal,
      values.next([saturation(97), saturation(98, 1000)]),
      pleth.next({ frameCount: 100, ...inStream(1) }).sealed,
      ecg.next().sealed,
      pleth.next({ frameCount: 60, ...inStream(1, true) }).sealed,
      ecg.next({ final: true }).sealed,
    );
    const found = await client.recording(ecg.id);
    expect(found).toMatchObject({ frameCount: 500, state: "live", segmentCount: 5, pendingCount: 0 });
    expect(found.leads.map(({ code, ucumUnit }) => [code, ucumUnit])).toEqual([
      ["MDC_ECG_LEAD_I", "mV"],
      ["MDC_ECG_LEAD_II", "mV"],
    ]);
    expect(found.streams.map(({ stream, kind, frameCount, state }) => [stream, kind, frameCount, state])).toEqual([
      [0, "waveform", 500, "complete"],
      [1, "waveform", 160, "complete"],
      [2, "observation", 2, "live"],
    ]);
    const starts = found.streams.map(({ start }) => (start.unixMs ?? 0) - (found.start.unixMs ?? 0));
    expect(starts).toEqual([0, 400, 1000]);
    expect(found.streams[1]).toMatchObject({ leads: [{ code: "MDC_PULS_OXIM_PLETH", ucumUnit: "1" }] });

    expect((await client.samples(ecg.id, 0, 500)).leads).toEqual(everySample(ecg));
    expect((await client.samples(ecg.id, 0, 160, 1)).leads).toEqual(everySample(pleth));
    const path = `recordings/${ecg.id}/summary?stream=1&fromFrame=0&toFrame=160&buckets=4`;
    const { leads } = await readFramed(site, cookie, path);
    const [whole] = everySample(pleth);
    const parts = [0, 40, 80, 120].map((at) => [...(whole?.subarray(at, at + 40) ?? [])]);
    expect([...(leads[0] ?? [])]).toEqual(parts.flatMap((part) => [Math.min(...part), Math.max(...part)]));

    await upload(terminal, values.next([], { final: true }));
    expect(await client.recording(ecg.id)).toMatchObject({ state: "complete" });
  });

  test("has no samples in a stream of observations, and none in one that it has not", async () => {
    const values = new ObservationStream(terminal, 0);
    await upload(terminal, values.next([saturation(97)]));
    await expect(client.samples(values.recording, 0, 1)).rejects.toThrow("400 ERR_REQUEST_RANGE");
    await expect(client.samples(values.recording, 0, 1, 3)).rejects.toThrow("404 ERR_NOT_FOUND");
    expect(await client.recording(values.recording)).toMatchObject({ leads: [], frameCount: 1 });
  });

  test("keeps a stream to its kind", async () => {
    const ecg = new TestRecording(terminal);
    const values = new ObservationStream(terminal, 0, { recording: ecg.id });
    await upload(terminal, ecg.next().sealed);
    values.next([]);
    const outcome = await site.post(terminal.envelope(values.next([saturation(97)])));
    expect(outcome.conflicts).toMatchObject([{ cause: "shape" }]);
  });
});

describe("observations", () => {
  test("come back with their digits, units, codes, devices and times", async () => {
    const { own, id } = somebody("a cuff");
    const bootId = drawBoot();
    await site.post(own.status({ bootId, monotonicMs: 1000 }));
    const contactMs = site.clock.unixMs;
    const stream = new ObservationStream(own, 0, { boot: { bootId, monotonicMs: 5000 } });
    const temperature = component("MDC_TEMP_BODY", "Cel", 3660, -2);
    const unknown = component("MDCX_ACME_STEPS", "{steps}", -12, 3);
    const early = pressure(128, 81, CLAIMED_MS - 86_400_000);
    await upload(own, stream.next([early, { ...saturation(97, 250), components: [temperature, unknown] }]));
    const page = await client.observations(id);
    expect(page).toEqual({
      observations: [
        {
          id: `${stream.recording}.0.1`,
          recordingId: stream.recording,
          stream: 0,
          terminalSerial: own.registered.serial,
          device: "oximeter",
          time: { unixMs: contactMs + 4250, certainty: "measured" },
          arrivedAtUnixMs: contactMs + 4250,
          components: [
            { code: "MDC_TEMP_BODY", name: "body temperature", unit: "Cel", value: "36.60", suspect: false },
            { code: "MDCX_ACME_STEPS", name: null, unit: "{steps}", value: "-12000", suspect: false },
          ],
        },
        {
          id: `${stream.recording}.0.0`,
          recordingId: stream.recording,
          stream: 0,
          terminalSerial: own.registered.serial,
          device: null,
          time: { unixMs: CLAIMED_MS - 86_400_000, certainty: "device" },
          arrivedAtUnixMs: contactMs + 4000,
          components: [
            { code: "8480-6", name: "systolic blood pressure", unit: "mm[Hg]", value: "128", suspect: false },
            { code: "8462-4", name: "diastolic blood pressure", unit: "mm[Hg]", value: "81", suspect: false },
          ],
        },
      ],
      next: null,
      unreadableSegments: 0,
    });
  });

  test("are found by code and by time", async () => {
    const { own, id } = somebody("a cuff and an oximeter");
    const stream = new ObservationStream(own, 0);
    const day = 86_400_000;
    await upload(own, stream.next([1, 2, 3].map((i) => pressure(100 + i, 70, CLAIMED_MS - i * day))));
    await upload(own, stream.next([saturation(95), saturation(96, 60_000)], { codec: "gzip" }));
    expect(valuesOf(await all(id))).toEqual(["96", "95", "103/70", "102/70", "101/70"]);
    expect(valuesOf(await all(id, { code: "8480-6" }))).toEqual(["103/70", "102/70", "101/70"]);
    expect(valuesOf(await all(id, { code: "59408-5,8462-4" }))).toHaveLength(5);
    expect(valuesOf(await all(id, { code: "2708-6" }))).toEqual([]);
    expect(valuesOf(await all(id, { from: CLAIMED_MS - 2 * day, to: CLAIMED_MS }))).toEqual(["102/70", "101/70"]);
    expect(valuesOf(await all(id, { from: CLAIMED_MS, to: CLAIMED_MS + 1 }))).toEqual(["95"]);
    expect(valuesOf(await all(id, { from: CLAIMED_MS + 60_001 }))).toEqual([]);
  });

  test("that no body can have, or that are none, are kept, marked and told of", async () => {
    const { own, id } = somebody("broken");
    const stream = new ObservationStream(own, 3);
    await upload(
      own,
      stream.next([saturation(97)]),
      stream.next([saturation(97), saturation(197)]),
      stream.next([saturation(97)], { encoded: utf8("no observations") }),
      stream.next([saturation(97)], { codec: "gzip", encoded: utf8("no gzip") }),
      stream.next([saturation(96)]),
    );
    const page = await client.observations(id);
    expect(page.unreadableSegments).toBe(2);
    expect(valuesOf(page.observations)).toEqual(["96", "197", "97", "97"]);
    expect(page.observations.map(({ components }) => components[0]?.suspect)).toEqual([false, true, false, false]);
    await expect.poll(() => marked(stream.recording), SOON).toEqual(["3 1", "3 2", "3 3"]);
  });

  test("come page by page, each once, over streams and recordings", async () => {
    const { own, id } = somebody("many");
    const expected: string[] = [];
    for (const count of [1, 300, 40]) {
      const streams = [new ObservationStream(own, 0)];
      streams.push(new ObservationStream(own, 5, { recording: (streams[0] as ObservationStream).recording }));
      for (const [s, stream] of streams.entries()) {
        const segments = Array.from({ length: 5 }, (_, i) =>
          stream.next(Array.from({ length: Math.ceil(count / 5) }, (__, at) => saturation(50 + i + s * 10, at))),
        );
        await upload(own, ...segments);
        site.clock.unixMs += 1000;
      }
      expected.push(...streams.map(({ recording }, s) => `${recording}.${s * 5}`));
    }
    const whole = await all(id);
    expect(whole).toHaveLength(2 * (5 + 300 + 40));
    for (const limit of [1, 7, 60, 1000]) {
      if (limit === 1) {
        const first = await client.observations(id, { limit });
        expect(first.observations).toEqual(whole.slice(0, 1));
        continue;
      }
      expect(await all(id, { limit })).toEqual(whole);
    }
    const order = [...new Set(whole.map(({ recordingId, stream }) => `${recordingId}.${stream}`))];
    expect(order).toEqual([4, 5, 2, 3, 0, 1].map((i) => expected[i]));
    const numbers = whole.filter(({ stream }) => stream === 5).map((one) => Number(one.id.split(".")[2]));
    expect(numbers.slice(0, 3)).toEqual([39, 38, 37]);
  });

  test("that a page was short of are given by the next one, however rare they are", async () => {
    const { own, id } = somebody("rare");
    const stream = new ObservationStream(own, 0);
    await upload(own, stream.next([pressure(120, 80, CLAIMED_MS)]));
    for (let i = 0; i < 5; i += 1) {
      await upload(own, ...Array.from({ length: 60 }, () => stream.next([saturation(97)])));
    }
    const page = await client.observations(id, { code: "8480-6" });
    expect(page.observations).toEqual([]);
    expect(page.next).not.toBeNull();
    expect(valuesOf(await all(id, { code: "8480-6" }))).toEqual(["120/80"]);
  });

  test("are asked for in ways that are refused", async () => {
    const { id } = somebody("asked");
    const ask = (query: string) =>
      fetch(`${site.server.url}/api/v1/patients/${id}/observations?${query}`, { headers: { cookie } });
    for (const query of ["limit=0", "limit=1001", "from=yesterday", `code=${"1".repeat(1025)}`, "after=x", "to=1.5"]) {
      expect([query, (await ask(query)).status]).toEqual([query, 400]);
    }
    const gone = `${"ab".repeat(16)}.0.5`;
    expect((await ask(`after=${gone}`)).status).toBe(400);
    expect((await fetch(`${site.server.url}/api/v1/patients/${id}/observations`)).status).toBe(401);
    expect(
      (await fetch(`${site.server.url}/api/v1/patients/${"ab".repeat(16)}/observations`, { headers: { cookie } }))
        .status,
    ).toBe(404);
  });
});

/** What the audit trail says was marked suspect of a recording. */
function marked(recording: string): readonly string[] {
  const database = new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { readOnly: true });
  const rows = database.prepare("SELECT subject FROM audit WHERE action = 'mark suspect'").all();
  database.close();
  return rows
    .map((row) => String(row["subject"]))
    .filter((subject) => subject.startsWith(recording))
    .map((subject) => subject.slice(recording.length + 1))
    .toSorted();
}
