/** What lies beside the module: provision and authorisation. */
import { systemRandom } from "@pericard/crypto";
import { createMemoryFolder } from "@pericard/framelog";
import { RoutingId, TenantId, TerminalId } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import { openTerminalModule, readProvision, writeAuthorisation, writeProvision, type Provision } from "../src/index.ts";
import { readAuthorisation } from "../src/module-folder.ts";
import { loadModule, SERIAL, TENANT } from "./support/modules.ts";

const provision: Provision = {
  serial: SERIAL,
  tenant: TENANT,
  routing: RoutingId.parse("09".repeat(8)),
  statements: [systemRandom(20), systemRandom(30)],
  targets: [
    { url: "https://gateway.example", token: "one" },
    { url: "http://127.0.0.1:7320", token: "two" },
  ],
};

const text = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

describe("a provision", () => {
  test("reads back as it was written, in place of an older one", () => {
    const folder = createMemoryFolder();
    writeProvision(folder, { ...provision, targets: [] });
    writeProvision(folder, provision);
    expect(readProvision(folder)).toEqual(provision);
  });

  const written = { format: "pericard/terminal", version: 1, ...provision, statements: ["00ff"] };
  const wrong: readonly [string, unknown][] = [
    ["nothing", ""],
    ["no JSON", "{"],
    ["null", null],
    ["an array", []],
    ["another format", { ...written, format: "other" }],
    ["another version", { ...written, version: 2 }],
    ["a malformed serial", { ...written, serial: "xyz" }],
    ["a malformed tenant", { ...written, tenant: 7 }],
    ["no routing id", { ...written, routing: undefined }],
    ["statements that are no hexadecimal", { ...written, statements: ["0g"] }],
    ["targets that are no list", { ...written, targets: {} }],
    ["a target without a token", { ...written, targets: [{ url: "http://a" }] }],
    ["a target that is no address", { ...written, targets: [{ url: "gateway", token: "t" }] }],
    ["a target of another scheme", { ...written, targets: [{ url: "file:///etc/passwd", token: "t" }] }],
    ["a target that is null", { ...written, targets: [null] }],
  ];

  test.each(wrong)("with %s is refused", (_, value) => {
    const folder = createMemoryFolder(new Map([["terminal.json", text(value)]]));
    expect(() => readProvision(folder)).toThrow(expect.objectContaining({ code: "ERR_TRSM_PROVISION" }));
  });

  test("that is missing is refused", () => {
    expect(() => readProvision(createMemoryFolder())).toThrow(expect.objectContaining({ code: "ERR_TRSM_PROVISION" }));
  });
});

describe("an authorisation", () => {
  test("reads back as it was written", () => {
    const folder = createMemoryFolder();
    const value = systemRandom(32);
    writeAuthorisation(folder, value);
    expect(readAuthorisation(folder)).toEqual(value);
  });

  test.each(["", "0".repeat(30), "0".repeat(33), "0".repeat(130), "Z".repeat(64), "AB".repeat(32)])(
    "that reads %s is refused",
    (value) => {
      const folder = createMemoryFolder(new Map([["trsm.authorisation", text(value)]]));
      expect(() => readAuthorisation(folder)).toThrow(expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }));
    },
  );
});

test("a deployed folder opens as its tenant's terminal", () => {
  const { folder, authorisation } = loadModule();
  expect(() => openTerminalModule(folder, systemRandom, () => 0)).toThrow(
    expect.objectContaining({ code: "ERR_TRSM_PROVISION" }),
  );
  writeProvision(folder, provision);
  expect(() => openTerminalModule(folder, systemRandom, () => 0)).toThrow(
    expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }),
  );
  writeAuthorisation(folder, authorisation);
  expect(openTerminalModule(folder, systemRandom, () => 0).terminal).toBe(TerminalId.parse(SERIAL));
  expect(TenantId.parse(TENANT)).toBe(provision.tenant);
});
