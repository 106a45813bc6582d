/** Addresses of the viewer's views. */
import { rangeOf } from "../trends/time-range.ts";
import type { RangeName } from "../trends/time-range.ts";

/** What of a patient is shown. `code` is one or more with commas between them; undefined for all. */
export type PatientPage =
  | { readonly name: "recordings" }
  | { readonly name: "trends"; readonly range: RangeName }
  | { readonly name: "values"; readonly range: RangeName; readonly code: string | undefined };

/** Where the viewer is. `at` is the position asked for in a recording: seconds, or its end. */
export type Route =
  | { readonly view: "patients" }
  | { readonly view: "patient"; readonly patientId: string; readonly page: PatientPage }
  | { readonly view: "recording"; readonly recordingId: string; readonly at: number | "end" | undefined }
  | { readonly view: "terminal"; readonly serial: string }
  | { readonly view: "unknown" };

/** Reads an address. Unknown paths and broken escapes give `unknown`; a bad `at` is ignored. */
export function parseRoute(path: string, query = ""): Route {
  const parts = decodedParts(path);
  if (parts === undefined) return { view: "unknown" };
  const [root, id, ...rest] = parts;
  if (root === undefined) return { view: "patients" };
  if (id === undefined) return { view: "unknown" };
  if (root === "patients") return patientRoute(id, rest, new URLSearchParams(query));
  if (rest.length > 0) return { view: "unknown" };
  if (root === "recordings") return { view: "recording", recordingId: id, at: parseAt(query) };
  if (root === "terminals") return { view: "terminal", serial: id };
  return { view: "unknown" };
}

/** Address of a terminal's keys. */
export function terminalPath(serial: string): string {
  return `/terminals/${encodeURIComponent(serial)}`;
}

/** Address of a patient's recordings. */
export function patientPath(patientId: string): string {
  return `/patients/${encodeURIComponent(patientId)}`;
}

/** Address of a patient's trends. */
export function trendsPath(patientId: string, range?: RangeName): string {
  return `${patientPath(patientId)}/trends${range === undefined ? "" : `?range=${range}`}`;
}

/** Address of the table of a patient's values, of some codes (with commas between them) or of all. */
export function valuesPath(patientId: string, range?: RangeName, code?: string): string {
  const query = new URLSearchParams({ ...(range && { range }), ...(code && { code }) }).toString();
  return `${patientPath(patientId)}/values${query && "?"}${query}`;
}

/** Address of a recording, perhaps at its end. */
export function recordingPath(recordingId: string, at?: "end"): string {
  return `/recordings/${encodeURIComponent(recordingId)}${at === undefined ? "" : `?at=${at}`}`;
}

function patientRoute(patientId: string, rest: readonly string[], query: URLSearchParams): Route {
  const page = rest.length > 1 ? undefined : patientPage(rest[0], query);
  return page === undefined ? { view: "unknown" } : { view: "patient", patientId, page };
}

function patientPage(name: string | undefined, query: URLSearchParams): PatientPage | undefined {
  if (name === undefined) return { name: "recordings" };
  if (name === "trends") return { name, range: rangeOf(query.get("range")) };
  if (name === "values") return { name, range: rangeOf(query.get("range")), code: query.get("code") ?? undefined };
  return undefined;
}

function parseAt(query: string): number | "end" | undefined {
  const text = new URLSearchParams(query).get("at");
  if (text === "end") return "end";
  const seconds = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(seconds) ? seconds : undefined;
}

function decodedParts(path: string): string[] | undefined {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
