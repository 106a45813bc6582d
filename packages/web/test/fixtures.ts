/** Values that several tests share. */
import type { Lead, Recording } from "../src/api/types.ts";

/** A calibrated ECG lead of 200 adu/mV; `change` replaces fields. */
export function leadOf(name: string, change: Partial<Lead> = {}): Lead {
  const lead = { name, units: "mV", gainAduPerUnit: "200", baselineAdu: 0, samplesPerFrame: 1, skewFrames: 0 };
  return { ...lead, missingCode: null, ...change };
}

/** A complete recording of one minute at 250 Hz; `change` replaces fields. */
export function recordingOf(change: Partial<Recording> = {}): Recording {
  return {
    id: "r1",
    patientId: "p1",
    patientName: "A Patient",
    terminalSerial: "PC-1",
    start: { unixMs: Date.UTC(2026, 10, 20, 9, 55, 12), certainty: "measured" },
    receivedAtUnixMs: Date.UTC(2026, 10, 20, 10, 0, 0),
    frameRateHz: { num: 250, den: 1 },
    leads: [leadOf("I"), leadOf("II")],
    frameCount: 15_000,
    state: "complete",
    segmentCount: 6,
    pendingCount: 0,
    gaps: [],
    streams: [],
    predecessor: null,
    successor: null,
    synthetic: true,
    suite: "pericard-1",
    ...change,
  };
}

/** A framed body as the server sends it: length, padded JSON header, little-endian values. */
export function framedBody(header: object, values: readonly number[]): ArrayBuffer {
  const text = JSON.stringify(header);
  const headerBytes = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 4) * 4));
  const body = new ArrayBuffer(4 + headerBytes.length + 4 * values.length);
  const view = new DataView(body);
  view.setUint32(0, headerBytes.length, true);
  new Uint8Array(body).set(headerBytes, 4);
  for (const [index, value] of values.entries()) view.setInt32(4 + headerBytes.length + 4 * index, value, true);
  return body;
}
