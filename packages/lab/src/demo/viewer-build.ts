/** Builds the viewer when its sources are newer than what was built. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LabError } from "../errors.ts";

const WEB = fileURLToPath(new URL("../../../web", import.meta.url));
const BUILT = join(WEB, "dist");

function newestMs(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

function isFresh(): boolean {
  const page = join(BUILT, "index.html");
  if (!existsSync(page)) return false;
  // An installed viewer has no sources.
  if (!existsSync(join(WEB, "src"))) return true;
  const sources = ["src", "index.html", "sign-in.html", "vite.config.ts", "package.json"];
  return Math.max(...sources.map((name) => newestMs(join(WEB, name)))) <= statSync(page).mtimeMs;
}

/** Folder of the built viewer; built first when needed. @throws {LabError} ERR_VIEWER_BUILD with what the build said. */
export async function ensureViewer(onBuild: () => void): Promise<string> {
  if (isFresh()) return BUILT;
  onBuild();
  const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin", "vite.js");
  const child = spawn(process.execPath, [vite, "build", "--logLevel", "warn"], {
    cwd: WEB,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const code = await new Promise<number>((resolve) => {
    child.on("close", (status) => resolve(status ?? 1));
  });
  if (code !== 0) throw new LabError("ERR_VIEWER_BUILD", `viewer could not be built: ${said.join("").slice(0, 2000)}`);
  return BUILT;
}
