import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, toHex } from "@pericard/protocol";
import { BINDING, BLOCK } from "../../../vectors/cases/fixtures.ts";
import * as some from "../../protocol/test/support/arbitraries.ts";
import { deriveGroupKey, KEY_BLOCK_BYTES, keyGroup } from "../src/index.ts";

describe("the group of eight keys", () => {
  it("is k_i to k_(i+7), and after k_119 comes k_0", () => {
    const twice = concatBytes(BLOCK, BLOCK);
    for (let index = 0; index < 120; index += 1) {
      expect(keyGroup(BLOCK, index)).toEqual(twice.slice(8 * index, 8 * index + 64));
    }
  });

  it("is a copy", () => {
    const block = BLOCK.slice();
    const group = keyGroup(block, 119);
    block.fill(0);
    expect(group).toEqual(keyGroup(BLOCK, 119));
  });
});

describe("keys of a block", () => {
  it("are 32 bytes, and never the same for two purposes, cycles or indices", () => {
    const seen = new Set<string>();
    for (const label of ["storage", "transport", "command", "return"] as const) {
      for (const cycle of [0, 1, 2, 119, 120]) {
        for (let index = 0; index < 120; index += 1) {
          const key = deriveGroupKey(BLOCK, BINDING, label, cycle, index);
          expect(key).toHaveLength(32);
          seen.add(toHex(key));
        }
      }
    }
    expect(seen.size).toBe(4 * 5 * 120);
  });

  it("differ for every other tenant, terminal and suite", () => {
    fc.assert(
      fc.property(some.tenant, some.terminal, (tenant, terminal) => {
        const bindings = [BINDING, { ...BINDING, tenant }, { ...BINDING, terminal }, { ...BINDING, suite: 0 as const }];
        const keys = bindings.map((binding) => toHex(deriveGroupKey(BLOCK, binding, "storage", 0, 0)));
        expect(new Set(keys).size).toBe(4);
      }),
    );
  });

  it("depend on the eight keys of their group alone", () => {
    const original = toHex(deriveGroupKey(BLOCK, BINDING, "storage", 0, 116));
    let changedCount = 0;
    for (let at = 0; at < KEY_BLOCK_BYTES; at += 1) {
      const block = BLOCK.slice();
      block[at] = (block[at] ?? 0) ^ 1;
      const changed = toHex(deriveGroupKey(block, BINDING, "storage", 0, 116)) !== original;
      expect(changed).toBe(at >= 116 * 8 || at < 4 * 8);
      if (changed) changedCount += 1;
    }
    expect(changedCount).toBe(64);
  });
});
