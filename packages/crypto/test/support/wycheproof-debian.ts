/** Those of Project Wycheproof's vectors that Debian's packages of other libraries have. Tests only. Source: docs/testing.md. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@pericard/protocol";
import { test } from "vitest";
import { readBlobs } from "./blobby.ts";
import { HAS_SNAPSHOT, type WycheproofCase } from "./wycheproof.ts";

const CRATES = "/usr/share/cargo/registry";
const CIRCL = "/usr/share/gocode/src/github.com/cloudflare/circl";

/** A file and the package that brings it. */
export interface PackagedFile {
  readonly debianPackage: string;
  readonly path: string;
}

/** A file of cloudflare/circl. */
export const ofCircl = (path: string): PackagedFile => ({
  debianPackage: "golang-github-cloudflare-circl-dev",
  path: join(CIRCL, path),
});

/** A file of a crate; the folder's name ends with the crate's version. */
export function ofCrate(crate: string, path: string): PackagedFile {
  const folders = existsSync(CRATES) ? readdirSync(CRATES) : [];
  const folder = folders.find((name) => new RegExp(`^${crate}-\\d`).test(name) && existsSync(join(CRATES, name, path)));
  return { debianPackage: `librust-${crate}-dev`, path: join(CRATES, folder ?? `${crate}-*`, path) };
}

/**
 * A test over a file of a package. Without the package it is skipped with the remedy as its name, and fails with CI=true;
 * a run that has Wycheproof's own files only skips it, since its primitive is held to those.
 */
export function itWithPackage(name: string, file: PackagedFile, body: (path: string) => void): void {
  if (existsSync(file.path)) {
    test(name, () => body(file.path));
    return;
  }
  const remedy = `${name}: no ${file.path}: apt-get install -y --no-install-recommends ${file.debianPackage}`;
  test.skipIf(process.env["CI"] !== "true" || HAS_SNAPSHOT)(remedy, () => {
    throw new Error(remedy);
  });
}

/** The cases of a crate's file, which has valid ones alone: byte strings that repeat in the order of `inputs`. */
export function blobCases(path: string, inputs: readonly string[]): readonly WycheproofCase[] {
  const blobs = readBlobs(readFileSync(path));
  if (blobs.length % inputs.length !== 0) throw new RangeError(`${path}: ${blobs.length} blobs by ${inputs.length}`);
  return Array.from({ length: blobs.length / inputs.length }, (_, row) => {
    const values = blobs.slice(row * inputs.length, (row + 1) * inputs.length).map(toHex);
    const named = Object.fromEntries(inputs.map((input, at) => [input, values[at]]));
    return { tcId: row + 1, comment: inputs.join(" "), flags: [], result: "valid", ...named };
  });
}
