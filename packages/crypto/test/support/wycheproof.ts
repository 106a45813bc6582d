/** Project Wycheproof's vectors as its repository has them, and how a case is judged. Tests only. Source: docs/testing.md. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fromHex } from "@pericard/protocol";
import { describe } from "vitest";
import { CryptoError } from "../../src/index.ts";

const FOLDER = process.env["PERICARD_WYCHEPROOF"];
const REMEDY =
  "needs Wycheproof's own files: set PERICARD_WYCHEPROOF to the folder testvectors_v1 " +
  "of github.com/C2SP/wycheproof (docs/testing.md)";

/** Whether the run was given Wycheproof's own files. */
export const HAS_SNAPSHOT = FOLDER !== undefined;

/** One case: its inputs are hexadecimal. */
export interface WycheproofCase {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: "valid" | "acceptable" | "invalid";
  readonly [input: string]: unknown;
}

/** Cases that share a key or sizes. */
export interface WycheproofGroup {
  readonly tests: readonly WycheproofCase[];
  readonly [shared: string]: unknown;
}

/**
 * A suite over Wycheproof's own files. Without the variable it is skipped with the remedy in its name, with CI=true too,
 * since nothing that CI may install has them. A folder that lacks a file fails the suite.
 */
export function describeWithSnapshot(name: string, suite: () => void): void {
  if (HAS_SNAPSHOT) describe(name, suite);
  else describe.skip(`${name}: ${REMEDY}`, suite);
}

/** The groups of a file of the snapshot. */
export function loadGroups(file: string): readonly WycheproofGroup[] {
  return groupsOf(readFileSync(join(resolve(FOLDER ?? "."), `${file}_test.json`), "utf8"));
}

/** The groups in the text of a file. */
export function groupsOf(text: string): readonly WycheproofGroup[] {
  return (JSON.parse(text) as { readonly testGroups: readonly WycheproofGroup[] }).testGroups;
}

/** The cases of the groups that `fits` names. */
export function loadCases(
  file: string,
  fits: (group: WycheproofGroup) => boolean = () => true,
): readonly WycheproofCase[] {
  return loadGroups(file)
    .filter(fits)
    .flatMap(({ tests }) => tests);
}

/** An input of a case. @throws {TypeError} when it has none of that name. */
export function hexOf(from: Readonly<Record<string, unknown>>, name: string): Uint8Array {
  const value = from[name];
  if (typeof value !== "string") throw new TypeError(`wycheproof: expected ${name}, got ${typeof value}`);
  return fromHex(value);
}

/** How many cases are valid, invalid, and there at all. */
export function countsOf(cases: readonly WycheproofCase[]): readonly [valid: number, invalid: number, all: number] {
  const count = (result: WycheproofCase["result"]): number => cases.filter((one) => one.result === result).length;
  return [count("valid"), count("invalid"), cases.length];
}

/** How a case is called when it fails. */
export function titleOf({ tcId, comment, flags }: WycheproofCase): string {
  return `${tcId} ${comment} [${flags.join(" ")}]`;
}

/** What a function gives, or the code of its refusal. Another class of error fails the test. */
export function outcomeOf(work: () => Uint8Array): Uint8Array | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
}

/** Cases whose outcome is not the wanted one, by name. */
export function misjudged(
  cases: readonly WycheproofCase[],
  isRight: (one: WycheproofCase) => boolean,
): readonly string[] {
  return cases.filter((one) => !isRight(one)).map(titleOf);
}
