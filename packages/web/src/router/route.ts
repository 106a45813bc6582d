/** Addresses of the viewer's views. */

/** Where the viewer is. `at` is the position asked for in a recording: seconds, or its end. */
export type Route =
  | { readonly view: "patients"; readonly patientId: string | undefined }
  | { readonly view: "recording"; readonly recordingId: string; readonly at: number | "end" | undefined }
  | { readonly view: "terminal"; readonly serial: string }
  | { readonly view: "unknown" };

/** Reads an address. Unknown paths and broken escapes give `unknown`; a bad `at` is ignored. */
export function parseRoute(path: string, query = ""): Route {
  const parts = decodedParts(path);
  if (parts === undefined) return { view: "unknown" };
  const [root, id, ...rest] = parts;
  if (root === undefined) return { view: "patients", patientId: undefined };
  if (id === undefined || rest.length > 0) return { view: "unknown" };
  if (root === "patients") return { view: "patients", patientId: id };
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

/** Address of a recording, perhaps at its end. */
export function recordingPath(recordingId: string, at?: "end"): string {
  return `/recordings/${encodeURIComponent(recordingId)}${at === undefined ? "" : `?at=${at}`}`;
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
