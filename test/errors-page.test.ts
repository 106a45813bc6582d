/** docs/errors.md lists each code that the code can give, and no other. */
import { describe, expect, it } from "vitest";
import { PACKAGES, sourcesOf, textOf } from "./tree.ts";

/** Codes of a union type of error codes, or strings that look like one in a throw. */
function codesIn(text: string): readonly string[] {
  return [...text.matchAll(/"(ERR_[A-Z0-9]+(?:_[A-Z0-9]+)*)"/g)]
    .map((match) => match[1] ?? "")
    .filter((code) => !NODE_CODES.has(code));
}

/** Codes of Node's own errors that the source looks for. */
const NODE_CODES = new Set(["ERR_SQLITE_ERROR", "ERR_WORKER"]);

describe("docs/errors.md", () => {
  const used = new Set(PACKAGES.flatMap((name) => sourcesOf(name).flatMap((path) => codesIn(textOf(path)))));
  const rows = [...textOf("docs/errors.md").matchAll(/^\| `(ERR_[A-Z0-9_]+)` \|(.*)\|$/gm)];
  const listed = new Set(rows.map((row) => row[1] ?? ""));

  it("lists every code of the source, and each once", () => {
    expect(rows.length).toBe(listed.size);
    expect([...used].filter((code) => !listed.has(code)).sort()).toEqual([]);
  });

  it("lists no code that the source does not have", () => {
    expect([...listed].filter((code) => !used.has(code)).sort()).toEqual([]);
  });

  it("gives each a cause and a remedy", () => {
    const empty = rows.filter((row) => (row[2] ?? "").split("|").some((cell) => cell.trim() === ""));
    expect(empty.map((row) => row[1])).toEqual([]);
  });
});
