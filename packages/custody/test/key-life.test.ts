/** What the key store keeps of a terminal's keys: in every copy, sealed where it is secret, and never less than before. */
import { systemRandom } from "@pericard/crypto";
import type { TerminalId } from "@pericard/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KeyStore } from "../src/key-store.ts";
import { bytesIn, copyFolders } from "./support/folders.ts";

const DAY_MS = 24 * 3600 * 1000;
const NOW = 100 * DAY_MS;

let folders: readonly string[];
let kek: Uint8Array;
let store: KeyStore;
let serial: TerminalId;
beforeEach(() => {
  folders = copyFolders(2);
  kek = systemRandom(32);
  store = KeyStore.create(folders, kek, 1000, systemRandom).store;
  ({ serial } = store.allocateTerminal(store.addTenant("Tenant", false, 1000).id, systemRandom(960), 1000));
});
afterEach(() => store.close());

const mark = (use: number, atUnixMs: number, index = 0) => ({ cycle: 0, index, use, usedCount: use, atUnixMs });
const begin = (version: number, secret = systemRandom(32)): Uint8Array => {
  const offer = systemRandom(100);
  store.beginKeyChange(serial, { version, maximum: 1000 + version, offer, secret, begunAtUnixMs: NOW + version });
  return offer;
};
const order = (version: number) => ({
  version,
  answerHash: systemRandom(32),
  order: systemRandom(80),
  effectiveFrom: { cycle: 0, index: 1, use: 2 },
  orderedAtUnixMs: NOW + 10,
});

describe("marks", () => {
  test("are one a day, rise only, and are kept for 90 days in every copy", () => {
    store.markKeyUse(serial, mark(10, NOW));
    store.markKeyUse(serial, mark(30, NOW + 1000));
    store.markKeyUse(serial, mark(20, NOW + 2000));
    store.markKeyUse(serial, mark(25, NOW + DAY_MS));
    expect(store.keyLife(serial).marks).toEqual([mark(30, NOW + 1000)]);
    store.markKeyUse(serial, mark(0, NOW + DAY_MS, 1));
    for (const folder of folders) {
      const copy = KeyStore.open([folder], kek, systemRandom);
      expect(copy.keyLife(serial).marks).toEqual([mark(30, NOW + 1000), mark(0, NOW + DAY_MS, 1)]);
      copy.close();
    }
    store.markKeyUse(serial, mark(5, NOW + 91 * DAY_MS, 1));
    expect(store.keyLife(serial).marks).toHaveLength(2);
  });

  test("are of terminals that are registered", () => {
    const unknown = "00000000ffff" as TerminalId;
    expect(() => store.keyLife(unknown)).toThrow(expect.objectContaining({ code: "ERR_TERMINAL_UNKNOWN" }));
    expect(() => store.markKeyUse(unknown, mark(1, NOW))).toThrow();
  });
});

describe("a change", () => {
  test("goes from offered to ordered to done, and stays done", () => {
    const offer = begin(1);
    const given = order(1);
    expect(store.orderKeyChange(serial, given)).toBe(true);
    expect(store.orderKeyChange(serial, order(1))).toBe(false);
    const taken = { cycle: 0, index: 1, use: 5 };
    store.endKeyChange(serial, 1, { state: "done", endedAtUnixMs: NOW + 20, taken, code: null });
    store.endKeyChange(serial, 1, { state: "refused", endedAtUnixMs: NOW + 30, taken: null, code: "ERR" });
    const { orderedAtUnixMs, answerHash, effectiveFrom } = given;
    expect(store.keyLife(serial).changes).toEqual([
      {
        version: 1,
        state: "done",
        maximum: 1001,
        offer,
        answerHash,
        order: given.order,
        effectiveFrom,
        taken,
        code: null,
        begunAtUnixMs: NOW + 1,
        orderedAtUnixMs,
        endedAtUnixMs: NOW + 20,
      },
    ]);
  });

  test("has its secret sealed while it waits, and nowhere after", () => {
    const secret = systemRandom(32);
    begin(1, secret);
    expect(store.openKeyChangeSecret(serial, 1)).toEqual(secret);
    for (const folder of folders) expect(bytesIn(folder).includes(secret)).toBe(false);
    store.orderKeyChange(serial, order(1));
    expect(store.openKeyChangeSecret(serial, 1)).toBeUndefined();
    expect(store.openKeyChangeSecret(serial, 7)).toBeUndefined();
  });

  test("of a higher version cancels a lower one, and versions never come twice", () => {
    begin(3);
    begin(5);
    expect(store.keyLife(serial).changes.map(({ version, state }) => [version, state])).toEqual([
      [3, "cancelled"],
      [5, "offered"],
    ]);
    expect(store.openKeyChangeSecret(serial, 3)).toBeUndefined();
    expect(store.orderKeyChange(serial, order(3))).toBe(false);
    for (const version of [5, 4, 3]) {
      expect(() => begin(version)).toThrow(expect.objectContaining({ code: "ERR_KEY_CHANGE_VERSION" }));
    }
  });
});

test("alarms are kept, the newest hundred", () => {
  for (let i = 0; i < 103; i += 1) store.addKeyAlarm(serial, { atUnixMs: NOW + i, kind: "use", detail: String(i) });
  const { alarms } = store.keyLife(serial);
  expect([alarms.length, alarms[0]?.detail, alarms.at(-1)?.detail]).toEqual([100, "3", "102"]);
});
