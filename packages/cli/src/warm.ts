/**
 * Compiles what servers, gateways and terminals load, for the compile cache, and ends. A thread's module refuses to run
 * here, after it was compiled: that is all that is wanted of it.
 */
import { globSync } from "node:fs";
import { pathToFileURL } from "node:url";

const packages = new URL("../../", import.meta.url);
const modules = [
  "{server,gateway,terminal,factory,custody}/src/index.ts",
  "server/src/*/*-thread.ts",
  "cli/src/*/*.ts",
];
for (const path of globSync(modules, { cwd: packages })) {
  await import(pathToFileURL(new URL(path, packages).pathname).href).catch(() => undefined);
}
process.exit(0);
