/** The picture as a file. SVG is written as it is; Chromium makes PNG of it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { LabError } from "../errors.ts";
import { PICTURE_SIZE } from "./block-picture.ts";

const CHROMIUM = "/usr/bin/chromium";
const INSTALL = "apt-get install -y --no-install-recommends chromium fonts-dejavu-core";
const CHROMIUM_MS = 60_000;

/** Checks, before anything is computed, that a picture can be written. @throws {LabError} ERR_PICTURE. */
export function requirePicture(path: string): void {
  const kind = extname(path);
  if (kind !== ".svg" && kind !== ".png") throw refusal(`${path} ends neither in .svg nor in .png`);
  if (!existsSync(dirname(resolve(path)))) throw refusal(`folder of ${path} does not exist`);
  if (kind === ".png" && !existsSync(CHROMIUM)) throw refusal(`PNG needs Chromium: ${INSTALL}`);
}

/** Writes an SVG document, as PNG when the path ends so. @throws {LabError} ERR_PICTURE. */
export function writePicture(path: string, svg: string): void {
  requirePicture(path);
  if (extname(path) === ".svg") writeFileSync(path, svg);
  else writePng(resolve(path), svg);
}

function writePng(path: string, svg: string): void {
  const folder = mkdtempSync(join(tmpdir(), "pericard-lab-picture-"));
  try {
    const source = join(folder, "picture.svg");
    writeFileSync(source, svg);
    const { width, height } = PICTURE_SIZE;
    const size = [`--window-size=${width},${height}`, "--hide-scrollbars", `--screenshot=${path}`];
    const profile = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${join(folder, "profile")}`];
    const args = [...profile, ...size, pathToFileURL(source).href];
    const { status, stderr } = spawnSync(CHROMIUM, args, { encoding: "utf8", timeout: CHROMIUM_MS });
    if (status !== 0 || !existsSync(path)) throw refusal(`Chromium ended with ${status}: ${stderr.slice(-500)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function refusal(message: string): LabError {
  return new LabError("ERR_PICTURE", message);
}
