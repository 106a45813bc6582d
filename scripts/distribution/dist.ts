/**
 * Makes what is given to users: a package of JavaScript and types for each part, and one archive with everything that a
 * Linux machine needs, Node and systemd units included.
 *
 * Node refuses to strip types below node_modules, so what is installed has to be JavaScript.
 *
 *     node scripts/distribution/dist.ts [folder]     default: dist
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { javaScriptOf } from "./java-script.ts";
import { publicManifest, type Manifest } from "./manifest.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGES = join(ROOT, "packages");
/** Beside the sources, what each package needs to run. */
const BESIDE = ["bin", "README.md"];

function run(folder: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed\n${stdout}${stderr}`);
  return stdout;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

function writeManifest(folder: string, manifest: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** All files below a folder, as paths within it. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** JavaScript and types of every package but the viewer, in a folder for each. */
function compile(into: string): void {
  run(ROOT, "tsc", "-p", "scripts/distribution", "--outDir", into);
  for (const path of filesBelow(into)) writeFileSync(path, javaScriptOf(path, readFileSync(path, "utf8")));
}

function buildViewer(into: string): void {
  run(join(PACKAGES, "web"), "vite", "build", "--logLevel", "warn");
  cpSync(join(PACKAGES, "web", "dist"), join(into, "web", "dist"), { recursive: true });
}

/** Completes the folder of one package. */
function stage(into: string, name: string): void {
  const folder = join(into, name);
  writeManifest(folder, publicManifest(readManifest(join(PACKAGES, name))));
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  for (const extra of BESIDE) {
    const from = join(PACKAGES, name, extra);
    if (existsSync(from)) cpSync(from, join(folder, extra), { recursive: true });
  }
}

function pack(packages: string, into: string): void {
  mkdirSync(into, { recursive: true });
  for (const name of readdirSync(packages)) run(join(packages, name), "npm", "pack", "--pack-destination", into);
}

/** The tree of the archive: the packages, what they depend on at the lockfile's versions, Node, and the units. */
function assemble(packages: string, tree: string): void {
  for (const name of readdirSync(packages)) {
    mkdirSync(join(tree, "packages", name), { recursive: true });
    cpSync(join(PACKAGES, name, "package.json"), join(tree, "packages", name, "package.json"));
  }
  for (const file of ["package.json", "package-lock.json"]) cpSync(join(ROOT, file), join(tree, file));
  // The one install script builds for a PKCS#11 token, on the machine that has one: `npm rebuild pkcs11js` there.
  run(tree, "npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund");
  cpSync(packages, join(tree, "packages"), { recursive: true });
  cpSync(join(import.meta.dirname, "systemd"), join(tree, "systemd"), { recursive: true });
  cpSync(join(import.meta.dirname, "INSTALL.md"), join(tree, "INSTALL.md"));
  cpSync(join(ROOT, "LICENSE"), join(tree, "LICENSE"));
  mkdirSync(join(tree, "bin"));
  cpSync(join(import.meta.dirname, "pericard"), join(tree, "bin", "pericard"));
}

function archive(packages: string, into: string, version: string): string {
  const work = mkdtempSync(join(tmpdir(), "pericard-archive-"));
  const name = `pericard-${version}-linux-x64`;
  try {
    mkdirSync(join(work, name));
    assemble(packages, join(work, name));
    const file = join(into, `${name}.tar.gz`);
    run(work, "tar", "--owner=0", "--group=0", "--numeric-owner", "-czf", file, name);
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function dist(into: string): void {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const packages = mkdtempSync(join(tmpdir(), "pericard-packages-"));
  try {
    say("compiling");
    compile(packages);
    buildViewer(packages);
    for (const name of readdirSync(packages)) stage(packages, name);
    say("packing");
    pack(packages, join(into, "npm"));
    say("assembling the archive");
    const file = archive(packages, into, readManifest(ROOT).version);
    say(`${join(into, "npm")} has the packages, ${file} is the archive`);
  } finally {
    rmSync(packages, { recursive: true, force: true });
  }
}

dist(resolve(process.argv[2] ?? join(ROOT, "dist")));
