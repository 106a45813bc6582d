/** The terminal of `interop/`, which is Debian's Python: what it needs, and what happens without it. Tests only. */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";

/** Debian's own, since its packages are for no other. */
const PYTHON = "/usr/bin/python3";
const INSTALL = "apt-get install -y --no-install-recommends python3-cbor2 python3-cryptography python3-argon2";
const FOLDER = fileURLToPath(new URL("../../interop", import.meta.url));

/** A suite that needs Python and its packages. Without them it is skipped with the remedy as its name; with CI=true it fails. */
export function describeWithPython(name: string, suite: () => void): void {
  if (spawnSync(PYTHON, ["-c", "import argon2, cbor2, cryptography"]).status === 0) {
    describe(name, suite);
    return;
  }
  const remedy = `${name}: no Python with its packages: ${INSTALL}`;
  test.skipIf(process.env["CI"] !== "true")(remedy, () => {
    throw new Error(remedy);
  });
}

/** How a run of a program of `interop/` ended. */
export interface PythonRun<T> {
  readonly code: number | null;
  /** The JSON object that it printed. */
  readonly said: T;
}

/** Runs a program of `interop/` to its end. @throws {Error} with what it wrote to stderr when it printed no JSON object. */
export async function runPython<T>(program: string, args: readonly string[]): Promise<PythonRun<T>> {
  // -B: no compiled files in the source tree.
  const child = spawn(PYTHON, ["-B", program, ...args], { cwd: FOLDER, stdio: ["ignore", "pipe", "pipe"] });
  const [out, errors] = [child.stdout, child.stderr].map((stream) => stream.setEncoding("utf8").toArray());
  const code = await new Promise<number | null>((resolve, reject) => child.on("close", resolve).on("error", reject));
  const text = ((await out) ?? []).join("");
  if (!text.startsWith("{")) throw new Error(`${program} ended with ${code}: ${((await errors) ?? []).join("")}`);
  return { code, said: JSON.parse(text) as T };
}
