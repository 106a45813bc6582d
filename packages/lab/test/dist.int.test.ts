/** What `npm run dist` makes, installed into empty folders and used. */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ECG_DATA, hasEcgData } from "./ecg-data.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const CONSUMER = `
import { TerminalId } from "@pericard/protocol";
import { Terminal } from "@pericard/terminal";
export const serial: TerminalId = TerminalId.parse("000000000001");
export const name: string = Terminal.name;
// @ts-expect-error a number is no serial
export const wrong: TerminalId = 1;
`;

function run(cwd: string, command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

describe.skipIf(!hasEcgData())("what is given to users", () => {
  const folder = mkdtempSync(join(tmpdir(), "pericard-dist-"));
  const made = join(folder, "dist");
  const carriesRecord = (command: string): void => {
    const report = run(folder, command, "demo", "--once", "--record", join(ECG_DATA, "mitdb", "100.hea"), "--json");
    expect(JSON.parse(report.trim().split("\n").at(-1) ?? "")).toMatchObject({ record: "100", identical: true });
  };

  const archiveName = (): string => globSync("*.tar.gz", { cwd: made }).join().replace(".tar.gz", "");

  beforeAll(() => void run(ROOT, process.execPath, "scripts/distribution/dist.ts", made));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is npm packages that carry a recording there and back when they are installed", () => {
    const project = join(folder, "project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), '{"type":"module"}');
    const packages = readdirSync(join(made, "npm")).map((name) => join(made, "npm", name));
    run(project, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages);
    carriesRecord(join(project, "node_modules", ".bin", "pericard"));

    writeFileSync(join(project, "consumer.ts"), CONSUMER);
    const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"];
    run(
      project,
      join(ROOT, "node_modules", ".bin", "tsc"),
      ...strict,
      "--typeRoots",
      join(ROOT, "node_modules/@types"),
      "consumer.ts",
    );
  });

  it("is an archive that runs where nothing is installed", () => {
    const home = join(folder, archiveName());
    run(folder, "tar", "-xzf", `${join(made, archiveName())}.tar.gz`);
    const bare = { encoding: "utf8", env: { PATH: "/usr/bin:/bin" } } as const;
    expect(execFileSync(join(home, "bin", "pericard"), ["--version"], bare)).toBe("0.1.0\n");
    carriesRecord(join(home, "bin", "pericard"));
  });

  it("has no TypeScript in it that a program would have to load", () => {
    const home = join(folder, archiveName());
    const sources = globSync("packages/**/*.{ts,tsx}", { cwd: home }).filter((path) => !path.endsWith(".d.ts"));
    expect(sources).toEqual([]);
  });
});
