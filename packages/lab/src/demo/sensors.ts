/** Plain sensors of the demo's first patient, which speak HTTP to a bridge: a cuff, an oximeter, a thermometer, scales. */
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../errors.ts";
import { startChild, type Child } from "./child.ts";
import { demoPatient, prepareFor, type PrepareParts } from "./installation.ts";

/** What sensors work with. */
export interface SensorParts extends PrepareParts {
  /** Whether the patient is new and so has no past yet. */
  readonly isNew: boolean;
  readonly onLog: (line: string) => void;
}

/** Sensors that measure until they are stopped. */
export interface RunningSensors {
  stop(): Promise<void>;
}

/** As docs/bridge.md has it. */
interface SensorInput {
  readonly device: string;
  readonly time: string;
  readonly components: readonly { readonly code: string; readonly value: string; readonly unit: string }[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PULSE_EVERY_MS = 10_000;
/** Measurements between two of the cuff. */
const PULSES_PER_PRESSURE = 30;
const INPUTS_PER_REQUEST = 64;

/** Between -1 and 1, the same for a moment at every call. */
const wave = (unixMs: number, periodMs: number): number => Math.sin((2 * Math.PI * unixMs) / periodMs);

const input = (device: string, unixMs: number, components: SensorInput["components"]): SensorInput => ({
  device,
  time: new Date(unixMs).toISOString(),
  components,
});

const part = (code: string, value: number) => ({ code, value: String(value), unit: "mm[Hg]" });

function pressureAt(unixMs: number): SensorInput {
  const systolic = Math.round(126 + 9 * wave(unixMs, DAY_MS) + 4 * wave(unixMs, 7 * HOUR_MS));
  const diastolic = Math.round(79 + 5 * wave(unixMs, DAY_MS) + 3 * wave(unixMs, 5 * HOUR_MS));
  const mean = Math.round(diastolic + (systolic - diastolic) / 3);
  return input("cuff", unixMs, [part("8480-6", systolic), part("8462-4", diastolic), part("8478-0", mean)]);
}

function saturationAt(unixMs: number): SensorInput {
  const percent = Math.round(96.5 + 1.2 * wave(unixMs, 11 * 60_000) + 0.6 * wave(unixMs, 47_000));
  const rate = Math.round(67 + 5 * wave(unixMs, 9 * 60_000) + 2 * wave(unixMs, 61_000));
  return input("oximeter", unixMs, [
    { code: "59408-5", value: String(percent), unit: "%" },
    { code: "MDC_PULS_OXIM_PULS_RATE", value: String(rate), unit: "/min" },
  ]);
}

function temperatureAt(unixMs: number): SensorInput {
  const value = (36.7 + 0.3 * wave(unixMs, DAY_MS) + 0.2 * wave(unixMs, 5 * DAY_MS)).toFixed(1);
  return input("thermometer", unixMs, [{ code: "8310-5", value, unit: "Cel" }]);
}

function weightAt(unixMs: number): SensorInput {
  const value = (78.4 + 0.6 * wave(unixMs, 17 * DAY_MS)).toFixed(2);
  return input("scales", unixMs, [{ code: "29463-7", value, unit: "kg" }]);
}

/** What the devices still have in their memories: a month of it. */
function pastBefore(nowUnixMs: number): readonly SensorInput[] {
  const every = (periodMs: number, lengthMs: number, measureAt: (unixMs: number) => SensorInput) =>
    Array.from({ length: Math.floor(lengthMs / periodMs) }, (_, i) => measureAt(nowUnixMs - (i + 0.5) * periodMs));
  const past = [
    ...every(6 * HOUR_MS, 30 * DAY_MS, pressureAt),
    ...every(DAY_MS, 30 * DAY_MS, weightAt),
    ...every(8 * HOUR_MS, 7 * DAY_MS, temperatureAt),
    ...every(10 * 60_000, 8 * HOUR_MS, saturationAt),
  ];
  return past.toSorted((a, b) => a.time.localeCompare(b.time));
}

/** Makes what is missing, and starts bridge and sensors. @throws {LabError} ERR_CHILD_FAILED when the bridge does not take what they tell. */
export async function startSensors(parts: SensorParts): Promise<RunningSensors> {
  const { paths, isNew, onLog } = parts;
  // A deployment holds up everything else: what is already there goes first.
  await sleep(0);
  prepareFor(demoPatient(1), paths.bridge, parts);
  const args = ["terminal", "bridge", "--data", paths.bridge, "--http", "127.0.0.1:0", "--json"];
  const bridge = await startChild({ args, onLog });
  const stopped = new AbortController();
  const measuring = measure(bridge, isNew, stopped.signal).catch((error: unknown) => {
    if (!stopped.signal.aborted) onLog(`sensors: ${String(error)}`);
  });
  return {
    stop: async () => {
      stopped.abort();
      await measuring;
      await bridge.stop();
    },
  };
}

async function measure(bridge: Child, isNew: boolean, signal: AbortSignal): Promise<void> {
  const past = isNew ? pastBefore(Date.now()) : [];
  for (let at = 0; at < past.length; at += INPUTS_PER_REQUEST) {
    await tell(bridge, past.slice(at, at + INPUTS_PER_REQUEST), signal);
  }
  for (let count = 0; !signal.aborted; count += 1) {
    const nowUnixMs = Date.now();
    const isDue = count % PULSES_PER_PRESSURE === 0;
    await tell(bridge, [saturationAt(nowUnixMs), ...(isDue ? [pressureAt(nowUnixMs)] : [])], signal);
    await sleep(PULSE_EVERY_MS, undefined, { signal });
  }
}

async function tell(bridge: Child, inputs: readonly SensorInput[], signal: AbortSignal): Promise<void> {
  const [url] = bridge.ready["ways"] as readonly string[];
  const response = await fetch(`${url}/v1/observations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(inputs),
    signal,
  });
  if (!response.ok)
    throw new LabError("ERR_CHILD_FAILED", `bridge answered ${response.status}: ${await response.text()}`);
}
