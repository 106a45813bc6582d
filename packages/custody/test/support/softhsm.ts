/** A software token, as a PKCS#11 module gives it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "vitest";
import type { TokenDoor } from "../../src/kek-token.ts";

const MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
const REMEDY = "apt-get install softhsm2; npm install";

function missing(): readonly string[] {
  const lacks: string[] = [];
  if (!MODULES.some((path) => existsSync(path))) lacks.push("softhsm2");
  try {
    createRequire(import.meta.url).resolve("pkcs11js");
  } catch {
    lacks.push("pkcs11js");
  }
  return lacks;
}

/** Whether a software token can be made here. */
export const HAS_SOFTHSM = missing().length === 0;

/** A suite that needs a token. Without one it is skipped with the remedy in its name; with CI=true it fails. */
export function describeWithSofthsm(name: string, suite: () => void): void {
  if (HAS_SOFTHSM) {
    describe(name, suite);
    return;
  }
  const lacks = missing().join(" and ");
  test.skipIf(process.env["CI"] !== "true")(`${name}: needs ${lacks} (${REMEDY})`, () => {
    throw new Error(`${lacks} not found: ${REMEDY}`);
  });
}

/**
 * Makes a token in a folder. The module reads its settings once in a process, so all tokens of a test file lie in one
 * folder.
 */
export function createToken(folder: string, label: string, pin: string): TokenDoor {
  const conf = join(folder, "softhsm2.conf");
  mkdirSync(join(folder, "tokens"), { recursive: true });
  writeFileSync(conf, `directories.tokendir = ${join(folder, "tokens")}\nlog.level = ERROR\n`);
  process.env["SOFTHSM2_CONF"] = conf;
  const options = ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", pin];
  execFileSync("softhsm2-util", options, { stdio: "pipe" });
  const modulePath = MODULES.find((path) => existsSync(path)) ?? "";
  return { modulePath, tokenLabel: label, pin: new TextEncoder().encode(pin) };
}
