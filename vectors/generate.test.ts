import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generateVectors } from "./generate.ts";
import type { VectorFile } from "./cases/case.ts";
import { countCases, readVectorText } from "./load.ts";

/** Files whose contents come from elsewhere. Source: vectors/README.md. */
const FROM_ELSEWHERE = ["cose-hpke-draft-25.json", "hpke-rfc9180.json", "standards.json"];

describe("vectors", () => {
  const files = [...generateVectors()];

  it.each(files)("generated again, %s has the same bytes", (name, text) => {
    expect(readVectorText(name) === text).toBe(true);
  });

  it("are all generated or named as from elsewhere", () => {
    const names = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".json"));
    expect(names.toSorted()).toEqual([...files.map(([name]) => name), ...FROM_ELSEWHERE].toSorted());
    expect(files).toHaveLength(30);
  });

  it("are counted in the readme", () => {
    const readme = readVectorText("README.md");
    for (const [name, text] of files) {
      const { cases } = JSON.parse(text) as VectorFile;
      const { accepted, refused } = countCases(cases);
      expect(readme).toMatch(new RegExp(`^\\| \`${name}\` \\|.*\\| ${accepted} \\| ${refused} \\|$`, "m"));
    }
  });

  it("refuse more often than they accept", () => {
    let accepted = 0;
    let refused = 0;
    for (const [, text] of files) {
      const count = countCases((JSON.parse(text) as VectorFile).cases);
      accepted += count.accepted;
      refused += count.refused;
    }
    expect(accepted).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(500);
  });
});
