/** Which module a folder has. */
import { createMemoryFolder } from "@pericard/framelog";
import { describe, expect, test } from "vitest";
import { readPlace, writePlace, type TrsmPlace } from "../src/index.ts";

const FILE = "trsm.json";
const PLACE = { kind: "tpm", tcti: "device:/dev/tpmrm0", index: 0x0181_0000 } as const;
const text = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

describe("the place of a module", () => {
  test("is the folder when nothing else is said", () => {
    expect(readPlace(createMemoryFolder())).toEqual({ kind: "soft" });
  });

  test.each<TrsmPlace>([
    PLACE,
    { ...PLACE, tcti: "swtpm:host=127.0.0.1,port=2321" },
    { ...PLACE, tcti: "tabrmd" },
    { ...PLACE, index: 0x0180_0000 },
    { ...PLACE, index: 0x01bf_fffe },
  ])("reads back as it was written: %j", (place) => {
    const folder = createMemoryFolder();
    writePlace(folder, place);
    expect(readPlace(folder)).toEqual(place);
  });

  test("is the folder again when a soft module takes the place of a TPM that was never loaded", () => {
    const folder = createMemoryFolder();
    writePlace(folder, PLACE);
    writePlace(folder, { kind: "soft" });
    expect(folder.list()).toEqual([]);
    expect(folder.afterPowerCut(0).list()).toEqual([]);
    writePlace(folder, { kind: "soft" });
  });

  test.each([
    { ...PLACE, tcti: "cmd:touch /tmp/taken" },
    { ...PLACE, tcti: "" },
    { ...PLACE, index: 0x0181_0001 },
    { ...PLACE, index: 0x017f_fffe },
    { ...PLACE, index: 0x01c0_0000 },
    { ...PLACE, index: Number.NaN },
  ])("is not written as %j", (place) => {
    expect(() => writePlace(createMemoryFolder(), place)).toThrow(RangeError);
  });

  const written = { format: "pericard/trsm", version: 1, adapter: "tpm", tcti: PLACE.tcti, index: PLACE.index };
  const wrong: readonly [string, unknown][] = [
    ["nothing", ""],
    ["no JSON", "{"],
    ["null", null],
    ["another format", { ...written, format: "other" }],
    ["another version", { ...written, version: 2 }],
    ["another adapter", { ...written, adapter: "soft" }],
    ["no way to a TPM", { ...written, tcti: undefined }],
    ["a way that runs a command", { ...written, tcti: "cmd:/bin/sh" }],
    ["a library as its way", { ...written, tcti: "/tmp/lib.so:x" }],
    ["no index", { ...written, index: undefined }],
    ["an index as text", { ...written, index: "0x01810000" }],
    ["an odd index", { ...written, index: PLACE.index + 1 }],
    ["an index of the manufacturer", { ...written, index: 0x0100_0000 }],
    ["more than 4 KiB", { ...written, more: "x".repeat(4096) }],
  ];

  test.each(wrong)("with %s is refused", (_, value) => {
    const folder = createMemoryFolder(new Map([[FILE, text(value)]]));
    expect(() => readPlace(folder)).toThrow(expect.objectContaining({ code: "ERR_TRSM_PROVISION" }));
  });
});
