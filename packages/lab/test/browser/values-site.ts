/** A server with the viewer and patients whose every value a test knows. */
import type { Observation, ObservationComponent } from "@pericard/protocol";
import { component, ObservationStream } from "../../../server/test/support/test-observations.ts";
import { linkFor } from "../../../server/test/support/reading.ts";
import { TestInstallation } from "../../../server/test/support/test-server.ts";
import { drawBoot, type TestTerminal } from "../../../server/test/support/test-terminal.ts";
import { builtViewer } from "./bed.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SEGMENTS_PER_ENVELOPE = 32;

/** A running server of real time. */
export interface ValuesSite {
  readonly site: TestInstallation;
  /** When the values end. */
  readonly nowUnixMs: number;
  /** A one-time link of a clinician of a tenant; of the patients' own without one. */
  link(tenantName?: string): string;
  close(): Promise<void>;
}

/** Starts a server without patients. */
export async function openValuesSite(): Promise<ValuesSite> {
  const site = new TestInstallation({ viewerPath: await builtViewer() });
  site.clock.unixMs = Date.now();
  await site.start();
  const tenantOf = (name: string | undefined) =>
    name === undefined ? site.tenant : site.store.addTenant(name, true, site.clock.unixMs);
  return {
    site,
    nowUnixMs: site.clock.unixMs,
    link: (name) => `${site.server.url}/sign-in#token=${linkFor(site.store, tenantOf(name), Date.now() + HOUR_MS)}`,
    close: () => site.remove(),
  };
}

/** One observation at a time of its device's clock; without one it has that of its arrival. */
export function observed(
  unixMs: number | null,
  device: string | null,
  ...components: readonly ObservationComponent[]
): Observation {
  return { afterMs: 0, claimed: unixMs === null ? null : { unixMs, zoneOffsetMinutes: 60 }, device, components };
}

/** Uploads observations of a terminal as one recording, so many to a segment. */
export async function uploadValues(
  { site }: ValuesSite,
  of: TestTerminal,
  observations: readonly Observation[],
  wish: { readonly perSegment?: number } & ConstructorParameters<typeof ObservationStream>[2] = {},
): Promise<void> {
  const { perSegment = 64, ...origin } = wish;
  const stream = new ObservationStream(of, 0, origin);
  const segments: Uint8Array[] = [];
  for (let at = 0; at < observations.length; at += perSegment) {
    const final = at + perSegment >= observations.length;
    segments.push(stream.next(observations.slice(at, at + perSegment), { codec: "gzip", final }));
  }
  for (let at = 0; at < segments.length; at += SEGMENTS_PER_ENVELOPE) {
    await site.post(of.envelope(...segments.slice(at, at + SEGMENTS_PER_ENVELOPE)));
  }
}

const pressureOf = (systolic: number, diastolic: number): readonly ObservationComponent[] => [
  component("8480-6", "mm[Hg]", systolic),
  component("8462-4", "mm[Hg]", diastolic),
  component("8478-0", "mm[Hg]", Math.round(diastolic + (systolic - diastolic) / 3)),
  component("8889-8", "/min", 62 + (systolic % 13)),
];

const wave = (i: number, period: number): number => Math.sin((2 * Math.PI * i) / period);

const every = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** What a patient on a ward has: a cuff, an oximeter with a gap, a thermometer, scales, two glucose meters, and more. */
export function wardValues(nowUnixMs: number): readonly Observation[] {
  const ago = (ms: number): number => nowUnixMs - ms;
  const cuff = every(42, (i) => {
    const systolic = Math.round(128 + 14 * wave(i, 6) + (i % 5));
    return observed(ago(20 * MINUTE_MS + i * 4 * HOUR_MS), "cuff", ...pressureOf(systolic, systolic - 46 - (i % 4)));
  });
  const oximeter = every(11 * 60, (i) => i)
    .filter((i) => i < 150 || i > 240)
    .map((i) => {
      const percent = Math.round(96.4 + 1.6 * wave(i, 173) + wave(i, 11));
      const rate = Math.round(74 + 8 * wave(i, 90) + 2 * wave(i, 7));
      const at = ago(5 * MINUTE_MS + i * MINUTE_MS);
      const values = [component("59408-5", "%", percent), component("MDC_PULS_OXIM_PULS_RATE", "/min", rate)];
      return observed(at, "oximeter", ...values);
    });
  const thermometer = every(28, (i) =>
    observed(
      ago(HOUR_MS + i * 6 * HOUR_MS),
      "thermometer",
      component("8310-5", "Cel", 3660 + Math.round(70 * wave(i, 9)), -2),
    ),
  );
  const scales = every(30, (i) =>
    observed(ago(3 * HOUR_MS + i * DAY_MS), "scales", component("29463-7", "kg", 7820 + i * 7 + (i % 3) * 20, -2)),
  );
  const glucose = every(12, (i) =>
    observed(ago(2 * HOUR_MS + i * 8 * HOUR_MS), "meter", component("15074-8", "mmol/L", 61 + (i % 4) * 9, -1)),
  );
  const others = [
    observed(ago(2.5 * HOUR_MS), "oximeter", component("59408-5", "%", 127)),
    observed(ago(7 * HOUR_MS), "oximeter", component("59408-5", "%", 3)),
    observed(ago(9 * HOUR_MS), "meter 2", component("2339-0", "mg/dL", 1180, -1)),
    observed(ago(4 * HOUR_MS), null, component("MDCX_ACME_STEPS", "{steps}", 12, 2)),
    observed(ago(6 * HOUR_MS), null, component("MDCX_ACME_STEPS", "{steps}", -5, -3)),
    observed(nowUnixMs + 40 * DAY_MS, "scales", component("29463-7", "kg", 7900, -2)),
  ];
  return [...cuff, ...oximeter, ...thermometer, ...scales, ...glucose, ...others];
}

/** A patient with {@link wardValues}, four values timed by the server's clock, and two without a time. */
export async function admitWardPatient(ward: ValuesSite, name: string): Promise<string> {
  const { site, nowUnixMs } = ward;
  site.clock.unixMs -= DAY_MS;
  const { terminal, patient } = site.terminalOf(name);
  site.clock.unixMs += DAY_MS;
  await uploadValues(ward, terminal, wardValues(nowUnixMs));
  const bootId = drawBoot();
  await site.post(terminal.status({ bootId, monotonicMs: 10 * HOUR_MS }));
  const breaths = Array.from({ length: 4 }, (_, i) => ({
    ...observed(null, "belt", component("9279-1", "/min", 14 + i)),
    afterMs: i * 1_800_000,
  }));
  await uploadValues(ward, terminal, breaths, { boot: { bootId, monotonicMs: 6 * HOUR_MS } });
  const timeless = observed(null, "old device", component("8310-5", "Cel", 370, -1));
  await uploadValues(ward, terminal, [timeless, timeless], { claimed: null });
  return patient.id;
}
