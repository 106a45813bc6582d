/** The module in a TPM 2.0: the contract of every adapter, and what the TPM itself refuses. */
import { sealBlob, systemRandom } from "@pericard/crypto";
import { decodeCbor, encodeCbor, parseSegment, toHex } from "@pericard/protocol";
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTrsm, readRefusals } from "../src/index.ts";
import type { TpmMemory } from "../src/nv-index.ts";
import { TPM_INDEX } from "../src/place.ts";
import { createTpmTrsm } from "../src/tpm.ts";
import { openTpmTools } from "../src/tpm-tools.ts";
import { describeAdapter } from "./contract.ts";
import { benchOf, drawLoad, loadModule, SERIAL, TENANT, type Bench, type LoadedModule } from "./support/modules.ts";
import { body, request } from "./support/sealing.ts";
import { describeWithSwtpm, startSwtpm, type Swtpm } from "./support/swtpm.ts";

const coded = (code: string) => expect.objectContaining({ code });
const COUNTER_FILE = "trsm.counters";

const POWER_IS_GONE = new Error("power is gone");

/** A TPM that takes that many calls. */
function stoppingAfter(memory: TpmMemory, callCount: number): TpmMemory {
  let left = callCount;
  const counted = Object.entries(memory).map(([name, call]) => [
    name,
    (...args: readonly unknown[]): unknown => {
      if (left === 0) throw POWER_IS_GONE;
      left -= 1;
      return (call as (...all: readonly unknown[]) => unknown)(...args);
    },
  ]);
  return Object.fromEntries(counted) as TpmMemory;
}

function stops(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    expect(error).toBe(POWER_IS_GONE);
    return true;
  }
}

const hex = (at: number): string => `0x${at.toString(16)}`;

/** The count that the newest save names, which opens only while the NV counter is the same. */
const countOf = ({ folder }: Bench): number => {
  const [, count] = decodeCbor(folder.bytesOf(COUNTER_FILE)) as readonly [number, number];
  return count;
};

describeWithSwtpm("with a simulated TPM", () => {
  let tpm: Swtpm;
  let index = TPM_INDEX.standard - 2;
  beforeAll(async () => {
    tpm = await startSwtpm();
  });
  afterAll(async () => {
    await tpm.stop();
  });

  /** A folder and the next free NV index. */
  const tpmBench = (): Bench => {
    index += 2;
    const place = { kind: "tpm", tcti: tpm.tcti, index } as const;
    return benchOf((ports) => openTrsm(ports, place));
  };
  const load = (): LoadedModule => loadModule(tpmBench());
  /** Runs one of the TPM's tools as anybody on the machine may; what it prints, or the TPM's response code. */
  const tool = (program: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, [...args, "-T", tpm.tcti], { encoding: "latin1" });
    return status === 0 ? stdout : ([...stderr.matchAll(/\(0x([0-9A-F]+)\)/g)].at(-1)?.[1] ?? stderr);
  };

  describeAdapter("a TPM", tpmBench);

  test("says that it is in a TPM", () => {
    expect(load().trsm().kind).toBe("tpm");
  });

  test("the TPM gives the image to no one without the authorisation, its owner included", () => {
    load();
    expect(tool("tpm2_nvread", hex(index), "-C", "o", "-s", "1024")).toBe("149");
    expect(tool("tpm2_nvread", hex(index), "-C", hex(index), "-s", "1024")).toBe("9A2");
    expect(tool("tpm2_nvread", hex(index), "-C", hex(index), "-P", "hex:00", "-s", "1024")).toBe("9A2");
  });

  test("the TPM takes no second image, from its owner neither", () => {
    const loaded = load();
    const { signPublicKey } = loaded.open();
    expect(() => openTpmTools(tpm.tcti).write(index, systemRandom(1024))).toThrow(/response code 0x148/);
    expect(tool("tpm2_nvreadpublic", hex(index))).toMatch(/friendly: .*writelocked/);
    expect(loaded.open().signPublicKey).toEqual(signPublicKey);
  });

  test("nothing of the image is in the folder", () => {
    const { folder } = load();
    expect(folder.list()).toEqual([COUNTER_FILE]);
    expect(folder.bytesOf(COUNTER_FILE).length).toBeLessThan(200);
  });

  test("leaves an index alone that holds something else", () => {
    for (const [at, words] of [
      [0, "ownerwrite|ownerread"],
      [1, "ownerwrite|ownerread"],
    ] as const) {
      const { trsm } = tpmBench();
      tool("tpm2_nvdefine", hex(index + at), "-C", "o", "-s", "16", "-a", words);
      expect(() => trsm().load(systemRandom(32), drawLoad())).toThrow(coded("ERR_TRSM_TPM"));
      expect(tool("tpm2_nvreadpublic", hex(index + at))).toMatch(/size: 16/);
    }
  });

  test("that its TPM's owner removed is empty, and may be loaded anew", () => {
    const { trsm, authorisation } = load();
    openTpmTools(tpm.tcti).undefine(index);
    expect(() => trsm().open(authorisation, TENANT)).toThrow(coded("ERR_TRSM_EMPTY"));
    trsm().load(authorisation, drawLoad());
    expect(trsm().open(authorisation, TENANT).terminal).toBe(SERIAL);
  });

  test("a load that stopped between any two calls of the TPM is begun anew", () => {
    let stoppedCount = 0;
    for (let allowed = 0; ; allowed += 1) {
      const { folder, trsm } = tpmBench();
      const [authorisation, what] = [systemRandom(32), drawLoad()];
      const memory = stoppingAfter(openTpmTools(tpm.tcti), allowed);
      const ports = { folder, random: systemRandom, nowUnixMs: () => 0 };
      const stopped = stops(() => createTpmTrsm(ports, { memory, index }).load(authorisation, what));
      if (!stopped) break;
      stoppedCount += 1;
      trsm().load(authorisation, what);
      expect(trsm().open(authorisation, TENANT).terminal).toBe(SERIAL);
    }
    expect(stoppedCount).toBe(11);
  });

  test("a TPM that is gone is an error of its own, and no refusal", () => {
    const { folder, authorisation } = load();
    const nowhere = benchOf((ports) =>
      openTrsm({ ...ports, folder }, { kind: "tpm", tcti: "swtpm:host=127.0.0.1,port=1", index }),
    );
    expect(() => nowhere.trsm().open(authorisation, TENANT)).toThrow(coded("ERR_TRSM_TPM"));
    expect(() => nowhere.trsm().load(authorisation, drawLoad())).toThrow(coded("ERR_TRSM_TPM"));
    expect(readRefusals(folder).last).toEqual([]);
  });

  test.each(["cmd:touch /tmp/x", "libtss2-tcti-cmd.so.0:touch", "device:/dev/tpm0 -C o", ""])(
    "a way to a TPM that reads %j is not taken",
    (tcti) => {
      expect(() => openTpmTools(tcti)).toThrow(RangeError);
    },
  );

  test("its counter rises once for 1,024 uses, and once more for each start", () => {
    const loaded = load();
    const before = countOf(loaded);
    const module = loaded.open();
    const seal = (): number => parseSegment(module.sealSegment(request, body)).header.use;
    const uses = Array.from({ length: 1024 }, seal);
    expect(uses).toEqual(Array.from({ length: 1024 }, (_, use) => use));
    expect(countOf(loaded)).toBe(before + 1);
    expect(seal()).toBe(1024);
    expect(countOf(loaded)).toBe(before + 2);
    const again = loaded.open();
    expect(parseSegment(again.sealSegment(request, body)).header.use).toBe(2048);
    expect(countOf(loaded)).toBe(before + 3);
  });

  test("is loaded into a folder where an interrupted load of a soft module left its counters", () => {
    const bench = tpmBench();
    bench.folder.replace(COUNTER_FILE, loadModule().folder.bytesOf(COUNTER_FILE));
    expect(loadModule(bench).open().terminal).toBe(SERIAL);
  });

  test("counters restored from any older copy are refused and recorded, and the newest go on", () => {
    const loaded = load();
    const copies = [0, 1, 2].map(() => {
      const copy = loaded.folder.bytesOf(COUNTER_FILE).slice();
      loaded.open().sealSegment(request, body);
      return copy;
    });
    const newest = loaded.folder.bytesOf(COUNTER_FILE).slice();
    for (const copy of copies) {
      loaded.folder.replace(COUNTER_FILE, copy);
      expect(() => loaded.open()).toThrow(coded("ERR_TRSM_ROLLBACK"));
    }
    expect(readRefusals(loaded.folder).counts.rollback).toBe(3);
    loaded.folder.replace(COUNTER_FILE, newest);
    expect(loaded.open().terminal).toBe(SERIAL);
  });

  test("an older copy with the newest count written into it does not open", () => {
    const loaded = load();
    const [format, , blob] = decodeCbor(loaded.folder.bytesOf(COUNTER_FILE)) as readonly [number, number, Uint8Array];
    loaded.open().takeContact();
    loaded.folder.replace(COUNTER_FILE, encodeCbor([format, countOf(loaded), blob]));
    expect(() => loaded.open()).toThrow(coded("ERR_TRSM_COUNTER"));
  });

  test("counters that are more than one save ahead, as of a TPM that was put back, are refused", () => {
    const loaded = load();
    const ahead = countOf(loaded) + 2;
    const blob = sealBlob(loaded.authorisation, ["pericard/trsm-counters", ahead], systemRandom(8), systemRandom);
    loaded.folder.replace(COUNTER_FILE, encodeCbor([1, ahead, blob]));
    expect(() => loaded.open()).toThrow(coded("ERR_TRSM_ROLLBACK"));
  });

  test("power that goes between the file and the TPM's counter loses nothing", () => {
    const loaded = load();
    const module = loaded.open();
    expect(module.takeContact()).toBe(0);
    const before = loaded.folder.bytesOf(COUNTER_FILE).slice();
    const stopped = new Error("power is gone");
    const folder = {
      ...loaded.folder,
      replace: (name: string, bytes: Uint8Array): void => {
        loaded.folder.replace(name, bytes);
        throw stopped;
      },
    };
    const cut = loaded.trsm({ folder }).open(loaded.authorisation, TENANT);
    expect(() => cut.takeContact()).toThrow(stopped);
    const torn = loaded.folder.bytesOf(COUNTER_FILE).slice();
    expect(toHex(torn)).not.toBe(toHex(before));
    for (let opened = 0; opened < 2; opened += 1) expect(loaded.open().terminal).toBe(SERIAL);
    expect(loaded.open().takeContact()).toBeGreaterThan(0);
    expect(loaded.open().terminal).toBe(SERIAL);
    expect(readRefusals(loaded.folder).last).toEqual([]);
    loaded.folder.replace(COUNTER_FILE, torn);
    expect(() => loaded.open()).toThrow(coded("ERR_TRSM_ROLLBACK"));
  });
});
