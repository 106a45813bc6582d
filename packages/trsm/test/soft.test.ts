/** The soft module: the contract of every adapter, and what comes of lying in a file. */
import { parseSegment, toHex } from "@pericard/protocol";
import { expect, test } from "vitest";
import { describeAdapter } from "./contract.ts";
import { loadModule, softBench } from "./support/modules.ts";
import { body, request } from "./support/sealing.ts";

describeAdapter("a sealed file", softBench);

test("says that it is the simulated one", () => {
  expect(loadModule().trsm().kind).toBe("soft");
});

test("a file with any byte changed is refused", () => {
  const loaded = loadModule();
  const bytes = loaded.folder.bytesOf("trsm.sealed");
  for (let at = 0; at < bytes.length; at += 13) {
    bytes[at] = (bytes[at] ?? 0) ^ 0x40;
    expect(() => loaded.open(), `byte ${at}`).toThrow(expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }));
    bytes[at] = (bytes[at] ?? 0) ^ 0x40;
  }
  loaded.open();
});

test("restored from an old copy it may repeat a use, never a salt, and so never a key with its nonce", () => {
  const loaded = loadModule();
  const copy = new Map(loaded.folder.list().map((name) => [name, loaded.folder.bytesOf(name).slice()]));
  const seal = (): readonly Uint8Array[] => {
    const module = loaded.open();
    return Array.from({ length: 20 }, () => module.sealSegment(request, body));
  };
  const first = seal();
  for (const [name, bytes] of copy) loaded.folder.replace(name, bytes);
  const second = seal();
  const headers = [...first, ...second].map((bytes) => parseSegment(bytes).header);
  expect(new Set(headers.map(({ use }) => use)).size).toBe(20);
  expect(new Set(headers.map(({ salt }) => toHex(salt))).size).toBe(40);
  expect(new Set(headers.map(({ commitment }) => toHex(commitment))).size).toBe(40);
});
