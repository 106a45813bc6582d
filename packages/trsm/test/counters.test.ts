/** Counters: reserved before they are used, so that no crash repeats one. Source: paper A §II.F, H. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCbor, USE_COUNT_MAX } from "@pericard/protocol";
import { Counters, type CounterStore } from "../src/counters.ts";
import { crc32c } from "../src/crc32c.ts";
import type { KeyExchange } from "../src/exchange-state.ts";

/** Counters on a disk that can be looked at, and fail. */
class Disk implements CounterStore {
  bytes: Uint8Array | undefined;
  saveCount = 0;
  failure: Error | undefined;

  load(): Uint8Array | undefined {
    return this.bytes?.slice();
  }

  save(bytes: Uint8Array): void {
    if (this.failure) throw this.failure;
    this.saveCount += 1;
    this.bytes = bytes.slice();
  }
}

const nameOf = ({ cycle, index, use }: { cycle: number; index: number; use: number }): string =>
  `${cycle}/${index}/${use}`;
const orderOf = ({ cycle, index, use }: { cycle: number; index: number; use: number }): number =>
  (cycle * 120 + index) * 2 ** 25 + use;

const orderOfName = (name: string): number => {
  const [cycle = 0, index = 0, use = 0] = name.split("/").map(Number);
  return orderOf({ cycle, index, use });
};

describe("a use", () => {
  test("is the next one, beginning with cycle 0, key 0, use 0", () => {
    const counters = Counters.create(new Disk());
    expect(counters.current).toMatchObject({ cycle: 0, index: 0, use: 0, maximum: USE_COUNT_MAX.standard });
    expect([0, 1, 2].map(() => nameOf(counters.takeUse()))).toEqual(["0/0/0", "0/0/1", "0/0/2"]);
    expect(nameOf(counters.current)).toBe("0/0/3");
  });

  test("is durable before it is handed out", () => {
    const disk = new Disk();
    const counters = Counters.create(disk);
    for (let i = 0; i < 1000; i += 1) {
      const taken = counters.takeUse();
      const after = Counters.load({ load: () => disk.bytes, save: () => undefined }).current;
      expect(orderOf(after)).toBeGreaterThan(orderOf(taken));
    }
    expect(disk.saveCount).toBeLessThan(10);
  });

  test("is not handed out when the disk fails, and not skipped either", () => {
    const disk = new Disk();
    const counters = Counters.create(disk);
    disk.failure = new Error("disk is full");
    expect(() => counters.takeUse()).toThrow("disk is full");
    disk.failure = undefined;
    expect(nameOf(counters.takeUse())).toBe("0/0/0");
  });

  test("moves on to the next key at the maximum, and after key 119 to the next cycle", () => {
    const counters = Counters.create(new Disk(), USE_COUNT_MAX.min);
    const seen: string[] = [];
    for (let i = 0; i < 121 * USE_COUNT_MAX.min; i += 1) {
      const taken = counters.takeUse();
      if (taken.use === 0 || taken.use === USE_COUNT_MAX.min - 1) seen.push(nameOf(taken));
      expect(taken.use).toBeLessThan(USE_COUNT_MAX.min);
    }
    expect(seen).toHaveLength(2 * 121);
    expect(seen.slice(0, 4)).toEqual(["0/0/0", "0/0/359", "0/1/0", "0/1/359"]);
    expect(seen.slice(-4)).toEqual(["0/119/0", "0/119/359", "1/0/0", "1/0/359"]);
    expect(nameOf(counters.current)).toBe("1/1/0");
  });
});

/** An exchange that ended with nothing worth reading. */
const exchangeOf = (version: number): KeyExchange => ({
  version,
  offerHash: new Uint8Array(32),
  answer: new Uint8Array(3),
  transcript: new Uint8Array(32),
  sealedSecret: null,
  end: { orderHash: new Uint8Array(32), taken: new Uint8Array(3) },
});

/** Gives another maximum from a use on; three of one key are the most. */
function tryChange(counters: Counters, version: number, maximum: number, laterUses: number): void {
  const { cycle, index, use } = counters.current;
  const effectiveFrom = { cycle, index, use: use + laterUses };
  try {
    counters.takeOrder(exchangeOf(version), { version, maximum, effectiveFrom });
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_KEY_CHANGE_LIMIT" });
  }
}

test("whatever is taken and whenever power goes, no use and no contact comes twice", () => {
  const change = fc.record({ maximum: fc.integer({ min: 360, max: 900 }), laterUses: fc.nat(400) });
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("use", "use", "use", "contact", "crash") },
    { weight: 1, arbitrary: change },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(800), (steps, burst) => {
      const disk = new Disk();
      let counters = Counters.create(disk, USE_COUNT_MAX.min);
      const uses: string[] = [];
      const contacts: number[] = [];
      let versions = 0;
      for (let i = 0; i < burst; i += 1) uses.push(nameOf(counters.takeUse()));
      for (const what of steps) {
        if (what === "crash") counters = Counters.load(disk);
        else if (typeof what === "object") {
          versions += 1;
          tryChange(counters, versions, what.maximum, what.laterUses);
        } else if (what === "contact") contacts.push(counters.takeContact());
        else uses.push(nameOf(counters.takeUse()));
      }
      expect(new Set(uses).size).toBe(uses.length);
      expect(uses.map(orderOfName)).toEqual(uses.map(orderOfName).toSorted((a, b) => a - b));
      expect(contacts).toEqual([...new Set(contacts)].toSorted((a, b) => a - b));
    }),
    { numRuns: 60 },
  );
});

test("a crash between reserving and using skips numbers, also over a rotation", () => {
  const disk = new Disk();
  let counters = Counters.create(disk, USE_COUNT_MAX.min);
  let last = -1;
  for (let crashes = 0; crashes < 10; crashes += 1) {
    const order = orderOf(counters.takeUse());
    expect(order).toBeGreaterThan(last);
    last = order;
    counters = Counters.load(disk);
  }
  expect(counters.current.index).toBeGreaterThan(0);
});

test("counters of format 1, which knew no key change, go on", () => {
  const disk = new Disk();
  const fields = [1, 2, 7, 300, 360, 0, 1024];
  disk.bytes = encodeCbor([...fields, crc32c(encodeCbor(fields))]);
  const counters = Counters.load(disk);
  expect(counters.current).toEqual({ cycle: 2, index: 7, use: 300, maximum: 360, policyVersion: 0 });
  expect([counters.exchange, counters.takeContact()]).toEqual([null, 1024]);
  const other = [2, ...fields.slice(1)];
  disk.bytes = encodeCbor([...other, crc32c(encodeCbor(other))]);
  expect(() => Counters.load(disk)).toThrow(expect.objectContaining({ code: "ERR_TRSM_COUNTER" }));
});

describe("counters are refused", () => {
  test("when they are missing", () => {
    expect(() => Counters.load(new Disk())).toThrow(expect.objectContaining({ code: "ERR_TRSM_COUNTER" }));
  });

  test("with any byte changed, cut or added", () => {
    const disk = new Disk();
    Counters.create(disk);
    const good = disk.bytes ?? new Uint8Array(0);
    const wrong = [
      ...Array.from(good, (_, at) => good.map((byte, i) => (i === at ? byte ^ 1 : byte))),
      ...Array.from(good, (_, length) => good.slice(0, length)),
      new Uint8Array([...good, 0]),
    ];
    for (const bytes of wrong) {
      disk.bytes = bytes;
      expect(() => Counters.load(disk)).toThrow(expect.objectContaining({ code: "ERR_TRSM_COUNTER" }));
    }
    disk.bytes = good;
    Counters.load(disk);
  });

  test("whose maximum lies outside its bounds", () => {
    for (const maximum of [USE_COUNT_MAX.min - 1, USE_COUNT_MAX.max + 1]) {
      const disk = new Disk();
      Counters.create(disk, maximum);
      expect(() => Counters.load(disk)).toThrow(expect.objectContaining({ code: "ERR_TRSM_COUNTER" }));
    }
  });
});
