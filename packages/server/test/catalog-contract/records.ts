/** The contract of the catalog: what terminals say, the audit trail, sessions, and a rebuild. */
import { toHex, type PackageItem } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import { auditHash, NO_AUDIT_HASH } from "../../src/catalog/audit-chain.ts";
import type { AuditEntry, Catalog, StatusRow } from "../../src/catalog/catalog.ts";
import { drawBoot, drawHash, drawTerminal, FRAMES, rowOf, store, StreamBench } from "./bench.ts";

const entry = (subject: string): AuditEntry => {
  return { atUnixMs: 1e12, actor: "someone é", action: "read samples", subject, outcome: "allowed" };
};

/** Checks the whole trail: numbered without a hole, each entry after the one before. @returns its subjects. */
export async function readTrail(catalog: Catalog): Promise<readonly string[]> {
  let previous: Uint8Array = NO_AUDIT_HASH;
  const subjects = [];
  for (let number = 0; ;) {
    const rows = await catalog.listAudit(number, 50);
    if (rows.length === 0) return subjects;
    for (const { hash, number: at, ...row } of rows) {
      number += 1;
      expect(at).toBe(number);
      expect(toHex(hash)).toBe(toHex(auditHash(previous, number, row)));
      previous = hash;
      subjects.push(row.subject);
    }
  }
}

const status = (wish: Partial<StatusRow> = {}): StatusRow => ({
  terminal: drawTerminal(),
  contact: 1,
  receivedAtUnixMs: 1000,
  bootId: drawBoot(),
  bootOffsetMs: 500,
  statusJson: '{"a":1}',
  heads: [],
  ...wish,
});

export function describeRecords(catalog: () => Catalog): void {
  describe("a status", () => {
    test("is kept when its contact is higher than the last one", async () => {
      const first = status({ contact: 5 });
      expect(await catalog().storeStatus(first)).toEqual({ kept: true, beforeJson: null });
      for (const contact of [5, 4, 0]) {
        const again = { ...first, contact, bootOffsetMs: 1, statusJson: "{}" };
        expect(await catalog().storeStatus(again)).toEqual({ kept: false, beforeJson: '{"a":1}' });
      }
      expect(await catalog().findBootOffset(first.terminal, first.bootId)).toBe(500);
      const next = { ...first, contact: 2 ** 53 - 1, statusJson: '{"b":"é"}' };
      expect(await catalog().storeStatus(next)).toEqual({ kept: true, beforeJson: '{"a":1}' });
    });

    test("tells the least offset of each boot", async () => {
      const first = status({ bootOffsetMs: -7 });
      await catalog().storeStatus(first);
      await catalog().storeStatus({ ...first, contact: 2, bootOffsetMs: 10 });
      expect(await catalog().findBootOffset(first.terminal, first.bootId)).toBe(-7);
      await catalog().storeStatus({ ...first, contact: 3, bootOffsetMs: -9 });
      expect(await catalog().findBootOffset(first.terminal, first.bootId)).toBe(-9);
      expect(await catalog().findBootOffset(first.terminal, drawBoot())).toBeNull();
      expect(await catalog().findBootOffset(drawTerminal(), first.bootId)).toBeNull();
    });

    test("tells of its own terminal's streams alone, and never less than before", async () => {
      const stream = new StreamBench();
      const other = new StreamBench({ ...stream.facts, stream: 1 });
      await catalog().storePackages([stream.package(stream.next()), other.package(other.next())]);
      const { recording, terminal } = stream.facts;
      const head = (sequence: number, open: boolean) => ({ recording, stream: 0, sequence, open });
      const toldOf = async () =>
        (await rowOf(catalog(), stream.facts)).streams.map((row) => [row.toldSequence, row.toldOpen]);
      await catalog().storeStatus(status({ heads: [head(9, false)] }));
      expect(await toldOf()).toEqual([
        [null, true],
        [null, true],
      ]);
      await catalog().storeStatus(status({ terminal, heads: [head(7, false)] }));
      expect(await toldOf()).toEqual([
        [7, false],
        [null, true],
      ]);
      await catalog().storeStatus(
        status({ terminal, contact: 2, heads: [head(3, true), { ...head(2, true), stream: 1 }] }),
      );
      expect(await toldOf()).toEqual([
        [7, true],
        [2, true],
      ]);
    });

    test("is listed, the newest of each terminal, page after page", async () => {
      const made = Array.from({ length: 5 }, (_, i) => status({ statusJson: `{"i":${i}}` }));
      for (const one of made) await catalog().storeStatus(one);
      await catalog().storeStatus({ ...(made[2] as StatusRow), contact: 2, receivedAtUnixMs: 4000 });
      const listed = [];
      for (let after: StatusRow["terminal"] | null = null; ;) {
        const page: Awaited<ReturnType<Catalog["listStatus"]>> = await catalog().listStatus(after, 2);
        expect(page.length).toBeLessThanOrEqual(2);
        listed.push(...page);
        after = page.at(-1)?.terminal ?? null;
        if (after === null) break;
      }
      expect(listed.map(({ terminal }) => terminal)).toEqual(listed.map(({ terminal }) => terminal).toSorted());
      for (const [i, { terminal, statusJson }] of made.entries()) {
        const receivedAtUnixMs = i === 2 ? 4000 : 1000;
        expect(listed.filter((row) => row.terminal === terminal)).toEqual([{ terminal, statusJson, receivedAtUnixMs }]);
      }
    });
  });

  test("the audit trail is numbered and chained", async () => {
    const count = await catalog().countAudit();
    expect(await catalog().appendAudit([entry("a"), entry("b")])).toEqual([count + 1, count + 2]);
    expect(await catalog().appendAudit([])).toEqual([]);
    expect(await catalog().appendAudit([entry("c")])).toEqual([count + 3]);
    expect(await catalog().countAudit()).toBe(count + 3);
    expect((await readTrail(catalog())).slice(count)).toEqual(["a", "b", "c"]);
    expect(await catalog().listAudit(count + 1, 1)).toMatchObject([{ ...entry("b"), number: count + 2 }]);
  });

  test("a session lasts until it expires or is removed", async () => {
    const [first, second, third] = [drawHash(), drawHash(), drawHash()];
    await catalog().storeSession(first, "anna", 2000, 0);
    await catalog().storeSession(second, "bert", 9000, 0);
    expect(await catalog().findSession(first, 1999)).toEqual({ account: "anna", expiresAtUnixMs: 2000 });
    expect(await catalog().findSession(first, 2000)).toBeNull();
    expect(await catalog().findSession(drawHash(), 0)).toBeNull();
    await catalog().storeSession(third, "cora", 9000, 2000);
    expect(await catalog().findSession(first, 0)).toBeNull();
    await catalog().removeSession(second);
    expect(await catalog().findSession(second, 0)).toBeNull();
    expect(await catalog().findSession(third, 0)).toMatchObject({ account: "cora" });
    await catalog().removeSession(second);
  });

  describe("a rebuild", () => {
    test("finds each package once, with every copy, and keeps what the chain contradicts", async () => {
      const stream = new StreamBench();
      const [a, b] = stream.next(2) as [PackageItem, PackageItem];
      const [one, two] = [stream.package([a]), stream.package([b])];
      const [commitmentOne, commitmentTwo] = [drawHash(), drawHash()];
      const copy = (at: number) => one.copies.slice(at, at + 1);
      const strange = stream.at(2, { prev: drawHash() });
      await catalog().rebuildPackages([
        { ...one, copies: copy(0), commitment: commitmentOne },
        { ...two, commitment: commitmentTwo },
      ]);
      await catalog().rebuildPackages([
        { ...one, copies: copy(1), commitment: commitmentOne },
        { ...one, copies: copy(1), commitment: commitmentOne },
        { ...stream.package([strange]), commitment: drawHash() },
        { ...stream.package([stream.at(0)]), commitment: drawHash() },
      ]);
      await catalog().endRebuild();
      const row = await rowOf(catalog(), stream.facts);
      expect(row.streams).toMatchObject([{ segmentCount: 3, endFrame: 3 * FRAMES }]);
      const found = await catalog().findPlacement(row.key, 0, 0);
      expect(found?.hash).toEqual(a.hash);
      expect(new Set(found?.copies)).toEqual(new Set(one.copies));
      expect(await store(catalog(), one)).toEqual(["duplicate"]);
    });

    test("may be ended when none was begun", async () => {
      await catalog().endRebuild();
      await catalog().endRebuild();
    });
  });
}
