/** Terminals that a factory elsewhere deployed: taken whole, once, and from nobody else. Source: docs/format.md §12.6. */
import { CryptoError, deploymentProof, rawPublicKey, sha256, systemRandom, x25519Private } from "@pericard/crypto";
import type { DeployedTerminal, KeyStore, Tenant } from "@pericard/custody";
import { createMemoryFolder } from "@pericard/framelog";
import { ProtocolError, RoutingId, SUITE, TerminalId, toHex } from "@pericard/protocol";
import { openTerminalModule, readProvision } from "@pericard/trsm";
import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deployTerminal, openSequence } from "../src/deploy.ts";
import { FactoryError } from "../src/errors.ts";
import { makeIntake } from "../src/intake.ts";
import { deployPaperTerminal } from "../src/paper-2018.ts";
import { countTransfers, makeTransfer, remakeTransfer } from "../src/transfer-export.ts";
import { importTransfer, type ImportReport } from "../src/transfer-import.ts";
import { verifyTerminal } from "../src/verify.ts";
import { Sites, type FactorySite } from "./support/two-sites.ts";

let sites: Sites;
let server: KeyStore;
let tenant: Tenant;
let pin: Uint8Array;
let factory: FactorySite;
beforeEach(() => {
  sites = new Sites();
  ({ store: server, tenant, pin } = sites.server());
  factory = sites.factory(server, tenant.id);
});
afterEach(() => sites.close());

const importer = (store = server) => ({ store, nowUnixMs: () => 5 });
const take = (bytes: Uint8Array, accepted: Uint8Array | undefined = factory.fingerprint): ImportReport =>
  importTransfer(importer(), bytes, accepted);
const code = (wanted: string) => expect.objectContaining({ code: wanted });

/** Whatever the store holds of terminals and transfers, to see that a refusal changed nothing. */
function contents(): unknown {
  const { intakes } = server;
  return [server.terminals(tenant.id), intakes.list(), intakes.imports()];
}

function refuses(bytes: Uint8Array, wanted: string, accepted: Uint8Array | undefined = factory.fingerprint): void {
  const before = contents();
  expect(() => take(bytes, accepted)).toThrow(code(wanted));
  expect(contents()).toEqual(before);
}

function errorOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** A typed refusal, and nothing that went wrong by accident. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ProtocolError || error instanceof CryptoError || error instanceof FactoryError;

/** A terminal with something else, and a proof that fits it, as a factory that lies would make. */
function lie(terminal: DeployedTerminal, change: Partial<DeployedTerminal>): DeployedTerminal {
  const changed = { ...terminal, ...change };
  const binding = { suite: SUITE.pericard1, tenant: tenant.id, terminal: changed.serial };
  return { ...changed, answer: deploymentProof(changed.block, binding, changed) };
}

describe("a factory elsewhere", () => {
  test("deploys terminals that are the server's: its tenant, its root, its keys", () => {
    const { folders, reports } = factory.deploy(2);
    expect(reports.map(({ serial, blockIndex, state }) => [serial, blockIndex, state])).toEqual([
      ["000100000001", 0, "active"],
      ["000100000002", 1, "active"],
    ]);
    const folder = folders[0] ?? createMemoryFolder();
    expect(openTerminalModule(folder, systemRandom, () => 0).rootPin).toEqual(pin);
    const statements = ["hpke", "receipt"].map((purpose) => server.serverKeys(purpose as "hpke")[0]?.statement);
    expect(readProvision(folder)).toMatchObject({ tenant: tenant.id, statements });
  });

  test("goes on with its own indices", () => {
    factory.deploy(2);
    expect(factory.store.nextBlockIndex).toBe(2);
    expect(openSequence(factory.work).firstIndex).toBe(0);
    expect(factory.deploy(1).reports[0]).toMatchObject({ serial: "000100000003", blockIndex: 2 });
  });

  test("refuses experiments of suite paper-2018", () => {
    const deploy = () => deployPaperTerminal(factory.work, tenant.id, createMemoryFolder(), []);
    expect(deploy).toThrow(code("ERR_TRANSFER_SUITE"));
    expect(factory.store.terminals(tenant.id)).toEqual([]);
  });

  test("makes no intakes", () => {
    expect(() => makeIntake(factory.store, tenant.id, 1)).toThrow(code("ERR_FACTORY_JOINED"));
  });

  test("counts a terminal as handed over when the transfer's file is durable, and can make it again", () => {
    factory.deploy(2);
    expect(countTransfers(factory.store)).toBe(1);
    expect(makeTransfer(factory.work)).toMatchObject({ transferNumber: 1 });
    const first = factory.transfer();
    expect(first).toMatchObject({ transferNumber: 1, serials: ["000100000001", "000100000002"] });
    expect(countTransfers(factory.store)).toBe(0);
    expect(() => factory.transfer()).toThrow(code("ERR_TRANSFER_EMPTY"));
    factory.deploy(1);
    expect(factory.transfer()).toMatchObject({ transferNumber: 2, serials: ["000100000003"] });
    const again = remakeTransfer(factory.work, 1);
    expect(again.serials).toEqual(first.serials);
    expect(toHex(again.bytes)).not.toBe(toHex(first.bytes));
    expect(() => remakeTransfer(factory.work, 3)).toThrow(code("ERR_TRANSFER_EMPTY"));
  });

  test("hands over nothing that was quarantined", () => {
    const { reports } = factory.deploy(2);
    const [one, other] = reports.map(({ serial }) => serial);
    factory.store.quarantineTerminals([one ?? TerminalId.parse("0".repeat(12))]);
    expect(factory.transfer().serials).toEqual([other]);
  });

  test("splits what is more than one transfer holds", () => {
    factory.deploy(1001);
    expect(countTransfers(factory.store)).toBe(2);
    const [first, second] = [factory.transfer(), factory.transfer()];
    expect([first.serials.length, second.serials.length]).toEqual([1000, 1]);
    expect(take(second.bytes)).toMatchObject({ added: 1, known: 0 });
    expect(take(first.bytes)).toMatchObject({ added: 1000, known: 0 });
  });

  test("is not set up where the server itself is", () => {
    expect(() => makeTransfer({ store: server, random: systemRandom })).toThrow(code("ERR_FACTORY_NOT_JOINED"));
  });
});

describe("a transfer", () => {
  test("shows no key block, serial number or tenant to its carrier", () => {
    const { reports } = factory.deploy(1);
    const hex = toHex(factory.transfer().bytes);
    const [terminal] = factory.terminals();
    const inside = [terminal?.block.subarray(0, 8), terminal?.signPublicKey].map((bytes) =>
      toHex(bytes ?? sha256(pin)),
    );
    for (const secret of [...inside, reports[0]?.serial, reports[0]?.routing, tenant.id]) {
      expect(hex).not.toContain(secret);
    }
  });

  test("registers its terminals with their blocks, in every copy, and writes that down", () => {
    const { folders, reports } = factory.deploy(3);
    const { bytes } = factory.transfer();
    const report = take(bytes);
    expect(report).toMatchObject({ intake: factory.joined.id, transferNumber: 1, added: 3, known: 0 });
    expect(report.terminals.map(({ serial }) => serial)).toEqual(reports.map(({ serial }) => serial));
    for (const copy of [0, 1]) {
      rmSync(sites.keyFolders("server")[copy] ?? "", { recursive: true });
      server = sites.reopen("server");
      for (const { serial, routing, blockIndex, signPublicKeyHex } of reports) {
        const terminal = server.getTerminal(serial);
        expect(terminal).toMatchObject({ tenant: tenant.id, routing, blockIndex, state: "active", suite: 1 });
        expect(toHex(terminal.signPublicKey ?? pin)).toBe(signPublicKeyHex);
        expect(server.openBlock(serial)).toEqual(factory.store.openBlock(serial));
      }
    }
    const record = { transferNumber: 1, hash: sha256(bytes), addedCount: 3, knownCount: 0, atUnixMs: 5 };
    expect(server.intakes.imports()).toEqual([{ intake: factory.joined.id, ...record }]);
    const verifier = { store: server, random: systemRandom, nowUnixMs: () => 6 };
    expect(verifyTerminal(verifier, folders[1] ?? createMemoryFolder())).toMatchObject({ verified: true });
  });

  test("given again registers nothing new and says so, also when it was sealed anew", () => {
    const { reports } = factory.deploy(2);
    const { bytes } = factory.transfer();
    take(bytes);
    server.quarantineTerminal(reports[0]?.serial ?? TerminalId.parse("0".repeat(12)));
    const before = server.terminals(tenant.id);
    for (const again of [bytes, remakeTransfer(factory.work, 1).bytes]) {
      const report = take(again);
      expect(report).toMatchObject({ added: 0, known: 2 });
      expect(report.terminals.map(({ outcome, state }) => [outcome, state])).toEqual([
        ["known", "quarantined"],
        ["known", "active"],
      ]);
    }
    expect(server.terminals(tenant.id)).toEqual(before);
    expect(server.intakes.imports().map(({ addedCount, knownCount }) => [addedCount, knownCount])).toEqual([
      [2, 0],
      [0, 2],
      [0, 2],
    ]);
  });

  test("leaves the server's own numbers alone", () => {
    factory.deploy(2);
    const sequenceFolder = createMemoryFolder();
    const own = { store: server, sequenceFolder, random: systemRandom, nowUnixMs: () => 1 };
    const first = deployTerminal(own, tenant.id, createMemoryFolder(), []);
    take(factory.transfer().bytes);
    expect(server.nextBlockIndex).toBe(1);
    const second = deployTerminal(own, tenant.id, createMemoryFolder(), []);
    expect([first.serial, second.serial]).toEqual(["000000000001", "000000000002"]);
    const other = sites.factory(server, tenant.id);
    expect(other.deploy(1).reports[0]?.serial).toBe("000200000001");
    importTransfer(importer(), other.transfer().bytes, other.fingerprint);
    expect(server.terminals(tenant.id)).toHaveLength(5);
  });

  test("of an accepted factory needs no fingerprint any more", () => {
    factory.deploy(1);
    take(factory.transfer().bytes);
    factory.deploy(1);
    expect(importTransfer(importer(), factory.transfer().bytes, undefined)).toMatchObject({ added: 1 });
  });
});

describe("what an attacker gives is refused and changes nothing:", () => {
  test("any byte changed", () => {
    factory.deploy(1);
    const { bytes } = factory.transfer();
    const before = contents();
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      expect(
        errorOf(() => take(changed)),
        `byte ${at}`,
      ).toSatisfy(isRefusal);
    }
    expect(contents()).toEqual(before);
    expect(take(bytes)).toMatchObject({ added: 1 });
  });

  test("any length cut, and a byte more", () => {
    factory.deploy(1);
    const { bytes } = factory.transfer();
    const before = contents();
    for (let length = 0; length < bytes.length; length += 1) {
      expect(
        errorOf(() => take(bytes.slice(0, length))),
        `${length} bytes`,
      ).toSatisfy(isRefusal);
    }
    expect(contents()).toEqual(before);
    refuses(Uint8Array.of(...bytes, 0), "ERR_CBOR_MALFORMED");
    refuses(new Uint8Array(3 * 1024 * 1024), "ERR_COSE_STRUCTURE");
  });

  test("another kind of signed message", () => {
    const [key] = server.serverKeys("receipt");
    refuses(key?.statement ?? pin, "ERR_TRANSFER_FORM");
  });

  test("at another server", () => {
    const other = sites.server("other");
    factory.deploy(1);
    const { bytes } = factory.transfer();
    expect(() => importTransfer(importer(other.store), bytes, factory.fingerprint)).toThrow(code("ERR_INTAKE_UNKNOWN"));
    expect(other.store.terminals(other.tenant.id)).toEqual([]);
  });

  test("for another tenant of the server", () => {
    const stranger = server.addTenant("Other", false, 1);
    factory.deploy(1);
    refuses(factory.forge(factory.terminals(), { tenant: stranger.id }), "ERR_TRANSFER_TENANT");
    expect(server.terminals(stranger.id)).toEqual([]);
  });

  test("under another intake of the server", () => {
    const other = sites.factory(server, tenant.id);
    factory.deploy(1);
    const { id, intakeKey } = other.joined;
    refuses(factory.forge(factory.terminals(), { id }), "ERR_INTAKE_UNKNOWN");
    refuses(factory.forge(factory.terminals(), { id, intakeKey }), "ERR_TRANSFER_SERIAL");
    importTransfer(importer(), other.forge([lieFor(other)]), other.fingerprint);
    refuses(factory.forge(factory.terminals(), { id, intakeKey }), "ERR_FACTORY_UNKNOWN");
  });

  test("from a factory that nobody accepted", () => {
    factory.deploy(1);
    const { bytes } = factory.transfer();
    const before = contents();
    expect(() => importTransfer(importer(), bytes, undefined)).toThrow(code("ERR_FACTORY_UNKNOWN"));
    expect(contents()).toEqual(before);
    refuses(bytes, "ERR_FACTORY_UNKNOWN", systemRandom(16));
    refuses(bytes, "ERR_FACTORY_UNKNOWN", new Uint8Array(0));
  });

  test("from another factory under the name of the accepted one, before and after its first transfer", () => {
    const thief = sites.factory(server, tenant.id);
    factory.deploy(1);
    const { id, intakeKey, factoryKey } = factory.joined;
    const stolen = factory.terminals();
    for (let round = 0; round < 2; round += 1) {
      refuses(thief.forge(stolen, { id, intakeKey }), "ERR_FACTORY_UNKNOWN");
      refuses(thief.forge(stolen, { id, intakeKey }), "ERR_FACTORY_UNKNOWN", factory.fingerprint);
      refuses(thief.forge(stolen, { id, intakeKey, factoryKey }), "ERR_SIGNATURE_INVALID");
      if (round === 0) take(factory.transfer().bytes);
    }
    refuses(thief.forge(stolen, { id, intakeKey }), "ERR_FACTORY_UNKNOWN", thief.fingerprint);
  });

  test("sealed to a key that the server does not have", () => {
    factory.deploy(1);
    const intakeKey = rawPublicKey(x25519Private(systemRandom(32)));
    refuses(factory.forge(factory.terminals(), { intakeKey }), "ERR_INTAKE_UNKNOWN");
  });

  test("blocks swapped between two terminals", () => {
    factory.deploy(2);
    const [one, other] = factory.terminals() as [DeployedTerminal, DeployedTerminal];
    const swapped = [
      { ...one, block: other.block },
      { ...other, block: one.block },
    ];
    refuses(factory.forge(swapped), "ERR_TRANSFER_PROOF");
  });

  test.each(["block", "signPublicKey", "agreePublicKey", "challenge", "answer"] as const)(
    "one bit of a terminal's %s, and the good terminal beside it is not taken either",
    (field) => {
      factory.deploy(2);
      const [one, other] = factory.terminals() as [DeployedTerminal, DeployedTerminal];
      const flipped = other[field].slice();
      flipped[17] = (flipped[17] ?? 0) ^ 4;
      refuses(factory.forge([one, { ...other, [field]: flipped }]), "ERR_TRANSFER_PROOF");
    },
  );

  test("a serial number that is not its block's, or another factory's", () => {
    factory.deploy(1);
    const [terminal] = factory.terminals() as [DeployedTerminal];
    const serials = ["000100000002", "000000000001", "000200000001"].map((text) => TerminalId.parse(text));
    for (const serial of serials) refuses(factory.forge([lie(terminal, { serial })]), "ERR_TRANSFER_SERIAL");
  });

  test("a serial number, a routing id, a key or a block twice in a file", () => {
    factory.deploy(2);
    const [one, other] = factory.terminals() as [DeployedTerminal, DeployedTerminal];
    const { routing, signPublicKey, block } = one;
    const twice = "ERR_TRANSFER_DUPLICATE";
    refuses(factory.forge([one, one]), twice);
    refuses(factory.forge([one, lie(other, { routing })]), twice);
    refuses(factory.forge([one, lie(other, { signPublicKey })]), twice);
    refuses(factory.forge([one, lie(other, { block })]), twice);
    expect(take(factory.forge([one, other]))).toMatchObject({ added: 2 });
  });

  test("what another terminal of the server has", () => {
    const sequenceFolder = createMemoryFolder();
    const own = { store: server, sequenceFolder, random: systemRandom, nowUnixMs: () => 1 };
    const { serial } = deployTerminal(own, tenant.id, createMemoryFolder(), []);
    const { routing, signPublicKey } = server.getTerminal(serial);
    const block = server.openBlock(serial);
    factory.deploy(1);
    const [terminal] = factory.terminals() as [DeployedTerminal];
    const twice = "ERR_TRANSFER_DUPLICATE";
    refuses(factory.forge([lie(terminal, { routing })]), twice);
    refuses(factory.forge([lie(terminal, { signPublicKey: signPublicKey ?? pin })]), twice);
    refuses(factory.forge([lie(terminal, { block })]), twice);
    expect(take(factory.transfer().bytes)).toMatchObject({ added: 1 });
  });

  test("a terminal that is registered, with anything else", () => {
    factory.deploy(1);
    take(factory.transfer().bytes);
    const [terminal] = factory.terminals() as [DeployedTerminal];
    const other = systemRandom(32);
    const changes: readonly Partial<DeployedTerminal>[] = [
      { block: systemRandom(960) },
      { routing: RoutingId.fromBytes(systemRandom(8)) },
      { signPublicKey: other },
      { agreePublicKey: other },
    ];
    for (const change of changes) refuses(factory.forge([lie(terminal, change)]), "ERR_TRANSFER_DUPLICATE");
    expect(take(factory.forge([lie(terminal, {})]))).toMatchObject({ added: 0, known: 1 });
  });

  test("a block of a known terminal of the same file under another number", () => {
    factory.deploy(2);
    const [one, other] = factory.terminals() as [DeployedTerminal, DeployedTerminal];
    take(factory.forge([one]));
    refuses(factory.forge([one, lie(other, { block: one.block })]), "ERR_TRANSFER_DUPLICATE");
  });
});

/** A terminal of another factory. */
function lieFor(other: FactorySite): DeployedTerminal {
  other.deploy(1);
  const [terminal] = other.terminals();
  if (!terminal) throw new TypeError("expected one terminal, got none");
  return terminal;
}
