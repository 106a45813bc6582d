/** One contract for every adapter: what a caller may rely on, wherever the image lies. */
import { deploymentProof, systemRandom } from "@pericard/crypto";
import { parseSegment, SUITE, TenantId, toHex } from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { readRefusals, type RefusalRecord } from "../src/index.ts";
import {
  drawLoad,
  loadModule,
  NOW_UNIX_MS,
  SERIAL,
  TENANT,
  type Bench,
  type LoadedModule,
  type MakeBench,
} from "./support/modules.ts";
import { body, describeSealing, request } from "./support/sealing.ts";
import { bytesReachable, expectNoSecret, secretsOf } from "./support/secrets.ts";

const coded = (code: string) => expect.objectContaining({ code });
const NONE: RefusalRecord["counts"] = { load: 0, "read-out": 0, authorisation: 0, rollback: 0, record: 0 };
const binding = { suite: SUITE.pericard1, tenant: TENANT, terminal: SERIAL };

/** Runs the contract on one adapter. */
export function describeAdapter(name: string, makeBench: MakeBench): void {
  describe(`a module in ${name}`, () => {
    describeEmpty(makeBench);
    describeLoaded(makeBench);
    describeRefusals(makeBench);
    describeFailures(makeBench);
    describeSealing(makeBench);
  });
}

function describeEmpty(makeBench: MakeBench): void {
  describe("that is empty", () => {
    test("does not open, and nothing is recorded of that", () => {
      const { folder, trsm } = makeBench();
      expect(() => trsm().open(systemRandom(32), TENANT)).toThrow(coded("ERR_TRSM_EMPTY"));
      expect(readRefusals(folder)).toEqual({ counts: NONE, last: [] });
      trsm().requireEmpty();
    });

    test.each([0, 15, 65])("takes no authorisation of %i bytes", (sizeBytes) => {
      const { trsm } = makeBench();
      expect(() => trsm().load(systemRandom(sizeBytes), drawLoad())).toThrow(coded("ERR_TRSM_AUTHORISATION"));
      trsm().requireEmpty();
    });

    test.each([16, 64])("takes one of %i bytes", (sizeBytes) => {
      const { trsm } = makeBench();
      const authorisation = systemRandom(sizeBytes);
      trsm().load(authorisation, drawLoad());
      expect(trsm().open(authorisation, TENANT).terminal).toBe(SERIAL);
    });
  });
}

function describeLoaded(makeBench: MakeBench): void {
  describe("that is loaded", () => {
    test("opens as the same module again and again", () => {
      const loaded = loadModule(makeBench());
      const [one, two] = [loaded.open(), loaded.open()];
      expect([one.terminal, one.rootPin]).toEqual([SERIAL, loaded.rootPin]);
      expect(one.signPublicKey).toEqual(two.signPublicKey);
      expect(one.agreePublicKey).toEqual(two.agreePublicKey);
    });

    test("proves its block and vouches for its public keys", () => {
      const { block, open } = loadModule(makeBench());
      const module = open();
      const { signPublicKey, agreePublicKey } = module;
      const challenge = systemRandom(32);
      const wanted = deploymentProof(block, binding, { challenge, signPublicKey, agreePublicKey });
      expect(module.answerChallenge(challenge)).toEqual(wanted);
      expect(module.answerChallenge(systemRandom(32))).not.toEqual(wanted);
      const other = block.map((byte, at) => (at === 959 ? byte ^ 1 : byte));
      expect(deploymentProof(other, binding, { challenge, signPublicKey, agreePublicKey })).not.toEqual(wanted);
    });

    test("proves it for its own tenant alone", () => {
      const { authorisation, trsm, open } = loadModule(makeBench());
      const challenge = systemRandom(32);
      const other = trsm().open(authorisation, TenantId.parse("0b".repeat(16)));
      expect(other.answerChallenge(challenge)).not.toEqual(open().answerChallenge(challenge));
    });

    test("has an identity of its own, which does not come from the block", () => {
      const load = drawLoad();
      const authorisation = systemRandom(32);
      const keys = [makeBench(), makeBench()].map(({ trsm }) => {
        trsm().load(authorisation, load);
        return trsm().open(authorisation, TENANT);
      });
      expect(new Set(keys.map(({ signPublicKey }) => toHex(signPublicKey))).size).toBe(2);
      expect(new Set(keys.map(({ agreePublicKey }) => toHex(agreePublicKey))).size).toBe(2);
    });

    test("has these calls and no others, and shows no secret in them or beside it", () => {
      const loaded = loadModule(makeBench());
      const trsm = loaded.trsm();
      expect(Reflect.ownKeys(trsm).toSorted()).toEqual(["kind", "load", "open", "readOut", "requireEmpty"]);
      const secrets = secretsOf(loaded);
      expectNoSecret(bytesReachable(trsm), secrets);
      expectNoSecret(
        loaded.folder.list().map((file) => loaded.folder.bytesOf(file)),
        secrets,
      );
    });

    test("goes on after the last use and contact that it may have given before", () => {
      const { open } = loadModule(makeBench());
      const contacts = [1, 2, 3].flatMap(() => {
        const module = open();
        return [module.takeContact(), module.takeContact()];
      });
      expect(contacts).toEqual([...new Set(contacts)].toSorted((a, b) => a - b));
    });
  });
}

function describeRefusals(makeBench: MakeBench): void {
  describe("refuses and records", () => {
    let loaded: LoadedModule;
    beforeEach(() => {
      loaded = loadModule(makeBench());
    });

    test("a second load, and stays as it was", () => {
      const { signPublicKey } = loaded.open();
      expect(() => loaded.trsm().load(systemRandom(32), drawLoad())).toThrow(coded("ERR_TRSM_LOADED"));
      expect(() => loaded.trsm().load(loaded.authorisation, drawLoad())).toThrow(coded("ERR_TRSM_LOADED"));
      expect(() => loaded.trsm().requireEmpty()).toThrow(coded("ERR_TRSM_LOADED"));
      expect(loaded.open().signPublicKey).toEqual(signPublicKey);
      expect(readRefusals(loaded.folder)).toEqual({
        counts: { ...NONE, load: 3 },
        last: Array.from({ length: 3 }, () => ({ kind: "load", atUnixMs: NOW_UNIX_MS })),
      });
    });

    test("a read-out, of a loaded module and of an empty one", () => {
      const empty = makeBench();
      for (const { trsm, folder } of [loaded, empty]) {
        expect(() => trsm().readOut()).toThrow(coded("ERR_TRSM_READ_OUT"));
        expect(readRefusals(folder)).toEqual({
          counts: { ...NONE, "read-out": 1 },
          last: [{ kind: "read-out", atUnixMs: NOW_UNIX_MS }],
        });
      }
    });

    test("a wrong authorisation, and opens with the right one after it", () => {
      const secrets = secretsOf(loaded);
      for (const wrong of [systemRandom(32), loaded.authorisation.subarray(0, 31), new Uint8Array(0)]) {
        try {
          loaded.trsm().open(wrong, TENANT);
          expect.unreachable();
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_TRSM_AUTHORISATION" });
          expectNoSecret(bytesReachable(error), secrets);
        }
      }
      expect(readRefusals(loaded.folder).counts).toEqual({ ...NONE, authorisation: 3 });
      expect(loaded.open().terminal).toBe(SERIAL);
    });

    test("durably: the record is there after a power cut", () => {
      expect(() => loaded.trsm().readOut()).toThrow();
      expect(readRefusals(loaded.folder.afterPowerCut(0)).counts["read-out"]).toBe(1);
    });

    test("and refuses all the same when the disk takes no record", () => {
      const folder = { ...loaded.folder, replace: failingWith("ENOSPC") };
      expect(() => loaded.trsm({ folder }).readOut()).toThrow(coded("ERR_TRSM_READ_OUT"));
      expect(() => loaded.trsm({ folder }).open(systemRandom(32), TENANT)).toThrow(coded("ERR_TRSM_AUTHORISATION"));
    });
  });
}

function failingWith(code: string): () => never {
  return () => {
    throw Object.assign(new Error("disk"), { code });
  };
}

function describeFailures(makeBench: MakeBench): void {
  describe("on a disk that fails", () => {
    test("is loaded anew after a load that stopped after any of its writes, or is finished", () => {
      const failed: boolean[] = [];
      for (let allowed = 0; allowed === 0 || failed.at(-1); allowed += 1) {
        const bench = makeBench();
        const attempt = (): void => bench.trsm({ folder: stoppingAfter(bench, allowed) }).load(authorisation, load);
        const [authorisation, load] = [systemRandom(32), drawLoad()];
        failed.push(stops(attempt));
        if (failed.at(-1)) bench.trsm().load(authorisation, load);
        expect(bench.trsm().open(authorisation, TENANT).terminal).toBe(SERIAL);
      }
      expect(failed.length).toBeGreaterThan(1);
    });

    const CODES = [
      ["ENOSPC", "ERR_TRSM_DISK_FULL"],
      ["EDQUOT", "ERR_TRSM_DISK_FULL"],
      ["EIO", "ERR_TRSM_DISK"],
      ["EROFS", "ERR_TRSM_DISK"],
    ] as const;

    test.each(CODES)("of which %s is %s: nothing is handed out, and nothing skipped", (errno, code) => {
      const loaded = loadModule(makeBench());
      let broken = true;
      const replace = (name: string, bytes: Uint8Array): void =>
        broken ? failingWith(errno)() : loaded.folder.replace(name, bytes);
      const module = loaded.trsm({ folder: { ...loaded.folder, replace } }).open(loaded.authorisation, TENANT);
      const before = module.keyUse;
      for (let time = 0; time < 2; time += 1) {
        expect(() => module.takeContact()).toThrow(coded(code));
        expect(() => module.sealSegment(request, body)).toThrow(coded(code));
        expect(module.keyUse).toEqual(before);
      }
      broken = false;
      expect(module.takeContact()).toBe(0);
      expect(parseSegment(module.sealSegment(request, body)).header.use).toBe(0);
    });

    test("opens no more when its counters are missing or damaged", () => {
      const { folder, open } = loadModule(makeBench());
      const bytes = folder.bytesOf("trsm.counters").slice();
      for (const wrong of [
        new Uint8Array([1, 2, 3]),
        bytes.slice(0, -1),
        bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
      ]) {
        folder.replace("trsm.counters", wrong);
        expect(() => open()).toThrow(coded("ERR_TRSM_COUNTER"));
      }
      folder.remove("trsm.counters");
      expect(() => open()).toThrow(coded("ERR_TRSM_COUNTER"));
    });
  });
}

function stops(attempt: () => void): boolean {
  try {
    attempt();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ message: "power is gone" });
    return true;
  }
}

/** The bench's folder, which takes that many files. */
function stoppingAfter({ folder }: Bench, writes: number): Bench["folder"] {
  let left = writes;
  const replace = (name: string, contents: Uint8Array): void => {
    if (left === 0) throw new Error("power is gone");
    left -= 1;
    folder.replace(name, contents);
  };
  return { ...folder, replace };
}
