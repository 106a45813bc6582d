/** Real recordings for tests. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Folder of the recordings: `PERICARD_ECG_DATA`, or `../shared/data/ecg` beside the checkout. */
export const ECG_DATA = resolve(process.env["PERICARD_ECG_DATA"] ?? join(ROOT, "..", "shared", "data", "ecg"));

/**
 * Whether the recordings are here. Without them a test is skipped; with `CI=true` it fails.
 *
 * @throws {Error} with `CI=true` when they are not.
 */
export function hasEcgData(): boolean {
  if (existsSync(ECG_DATA)) return true;
  const how = `recordings are not in ${ECG_DATA}: set PERICARD_ECG_DATA to a folder of WFDB records from physionet.org`;
  if (process.env["CI"] === "true") throw new Error(how);
  process.stderr.write(`skipped: ${how}\n`);
  return false;
}

/** Every header below the folder. */
export function headerPaths(folder: string = ECG_DATA): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return headerPaths(path);
    return entry.name.endsWith(".hea") ? [path] : [];
  });
}

/** Formats that the signal lines of a header name, and whether the record has segments. */
export function formatsOf(headerPath: string): { readonly segmented: boolean; readonly formats: readonly string[] } {
  const lines = readFileSync(headerPath, "latin1")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const segmented = /^\S+\/\d+\s/.test(lines[0] ?? "");
  const formats = segmented ? [] : lines.slice(1).map((line) => /^\S+\s+(\d+)/.exec(line)?.[1] ?? "");
  return { segmented, formats };
}
