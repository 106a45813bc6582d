/** Reading of vectors in tests. Source: vectors/README.md. */
import { readFileSync } from "node:fs";
import { fromHex } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./cases/case.ts";

/** The text of a file of vectors, as it lies in the folder. */
export function readVectorText(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** The cases of `<name>.json`. @throws {RangeError} when it has none. */
export function loadCases(name: string): readonly VectorCase[] {
  const { cases } = JSON.parse(readVectorText(`${name}.json`)) as VectorFile;
  return requireSome(name, cases);
}

/** The cases of one part of standards.json. @throws {RangeError} when it has none. */
export function loadStandard(part: string): readonly VectorCase[] {
  const file = JSON.parse(readVectorText("standards.json")) as {
    readonly parts: Readonly<Record<string, Pick<VectorFile, "cases">>>;
  };
  return requireSome(part, file.parts[part]?.cases ?? []);
}

function requireSome(name: string, cases: readonly VectorCase[]): readonly VectorCase[] {
  if (cases.length === 0) throw new RangeError(`${name}: expected at least one case, got none`);
  return cases;
}

/** The bytes of a case's member. @throws {TypeError} when it has none of that name. */
export function bytesOf(vector: VectorCase, member: string): Uint8Array {
  return fromHex(textOf(vector, member));
}

/** The text of a case's member. @throws {TypeError} when it has none of that name. */
export function textOf(vector: VectorCase, member: string): string {
  const value = vector[member];
  if (typeof value !== "string") throw new TypeError(`${vector.name}: expected ${member}, got ${typeof value}`);
  return value;
}

/** The number of a case's member. @throws {TypeError} when it has none of that name. */
export function numberOf(vector: VectorCase, member: string): number {
  const value = vector[member];
  if (typeof value !== "number") throw new TypeError(`${vector.name}: expected ${member}, got ${typeof value}`);
  return value;
}

/** How many cases are accepted, and how many are not. */
export function countCases(cases: readonly VectorCase[]): { readonly accepted: number; readonly refused: number } {
  const accepted = cases.filter(({ expect }) => expect === "accept").length;
  return { accepted, refused: cases.length - accepted };
}
