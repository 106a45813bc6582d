import { describe, expect, it } from "vitest";
import { utf8 } from "@pericard/protocol";
import { openWithPassphrase, sealWithPassphrase, systemRandom } from "../src/index.ts";

const CHEAP = { memoryKib: 8, passCount: 1, laneCount: 1 };
const PASSPHRASE = utf8("passphrase");

const seal = (plain: Uint8Array, cost = CHEAP) => sealWithPassphrase(PASSPHRASE, "kek", plain, systemRandom, cost);

describe("sealing under a passphrase", () => {
  it("opens to what was sealed, up to 64 KiB", () => {
    const plain = systemRandom(64 * 1024);
    const sealed = sealWithPassphrase(PASSPHRASE, "kek", plain, systemRandom, CHEAP);
    expect(openWithPassphrase(PASSPHRASE, "kek", sealed)).toEqual(plain);
  });

  it("refuses what opening would refuse", () => {
    expect(() => seal(new Uint8Array(64 * 1024 + 1))).toThrow(RangeError);
    expect(() => seal(new Uint8Array(1), { ...CHEAP, laneCount: 2 })).toThrow("memory");
    expect(() => seal(new Uint8Array(1), { ...CHEAP, passCount: 17 })).toThrow("passes");
    expect(() => sealWithPassphrase(new Uint8Array(0), "kek", new Uint8Array(1), systemRandom, CHEAP)).toThrow(
      RangeError,
    );
  });

  it("costs 64 MiB and 3 passes when nothing else is said", () => {
    const sealed = sealWithPassphrase(PASSPHRASE, "kek", utf8("kek"), systemRandom);
    expect(Buffer.from(sealed).includes(Buffer.from("1a000100000304", "hex"))).toBe(true);
    expect(openWithPassphrase(PASSPHRASE, "kek", sealed)).toEqual(utf8("kek"));
  });

  it("refuses every bit that is turned over", () => {
    const sealed = sealWithPassphrase(PASSPHRASE, "kek", utf8("kek"), systemRandom, CHEAP);
    let refusedCount = 0;
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = sealed.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openWithPassphrase(PASSPHRASE, "kek", changed)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_PASSPHRASE_(WRONG|FORMAT)$/) }),
      );
      refusedCount += 1;
    }
    expect(refusedCount).toBe(sealed.length * 8);
  });
});
