/**
 * Terminals and their key blocks.
 *
 * Source: paper A §II.E to G; docs/keys.md.
 */
import { openBlob, sealBlob } from "@pericard/crypto";
import { RoutingId, SUITE, TenantId, TerminalId, type Suite } from "@pericard/protocol";
import type { Terminal, TerminalBlock, TerminalKeys } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { tenantKey } from "./holders.ts";
import { blobColumn, integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { commit, selectRows, type ReadContext, type StoreContext } from "./store-context.ts";

/** Context of a terminal's sealed block. */
export function blockContext(tenant: TenantId, serial: TerminalId) {
  return ["block", TenantId.toBytes(tenant), TerminalId.toBytes(serial)] as const;
}

/** Block indices of one factory. The column `block_index` is factory number · 2^32 + index: unique over all factories. */
const INDICES_PER_FACTORY = 2 ** 32;

/** Number of the factory that draws for this store: 0 where the server is, else the one that its intake gave it. */
function ownFactoryNumber(context: ReadContext): number {
  const [joined] = selectRows(context, "SELECT number FROM joined_intake");
  return joined ? integerColumn(joined, "number") : 0;
}

/** Index of the next block of the own factory: one above the highest that a terminal has. */
export function nextBlockIndex(context: ReadContext): number {
  const begin = ownFactoryNumber(context) * INDICES_PER_FACTORY;
  const [last] = selectRows(
    context,
    "SELECT COALESCE(MAX(block_index), ?) AS m FROM terminals WHERE block_index >= ? AND block_index < ?",
    begin - 1,
    begin,
    begin + INDICES_PER_FACTORY,
  );
  return 1 + integerColumn(last ?? {}, "m") - begin;
}

/** Where a block stands among those of all factories. */
export function blockPlace(factoryNumber: number, blockIndex: number): number {
  return factoryNumber * INDICES_PER_FACTORY + blockIndex;
}

/** The serial number of the terminal that has a block: 6 bytes, one above the block's place. Source: docs/format.md §12.1. */
export function serialOf(factoryNumber: number, blockIndex: number): TerminalId {
  return TerminalId.parse((blockPlace(factoryNumber, blockIndex) + 1).toString(16).padStart(12, "0"));
}

export function allocateTerminals(
  context: StoreContext,
  tenant: TenantId,
  blocks: readonly TerminalBlock[],
  nowUnixMs: number,
  suite: Suite,
): readonly Terminal[] {
  const { random } = context;
  requireUnused(context, blocks);
  const key = tenantKey(context, tenant);
  const factoryNumber = ownFactoryNumber(context);
  const rows = blocks.map(({ index, block }) => {
    const serial = serialOf(factoryNumber, index);
    const sealedBlock = sealBlob(key, blockContext(tenant, serial), block, random);
    return { serial, place: blockPlace(factoryNumber, index), routing: RoutingId.fromBytes(random(8)), sealedBlock };
  });
  commit(context, (database) => {
    requireUnused({ ...context, database }, blocks);
    const sql = "INSERT INTO terminals VALUES (?, ?, ?, ?, ?, ?, 'allocated', NULL, NULL, ?)";
    for (const { serial, place, routing, sealedBlock } of rows) {
      database.run(sql, serial, tenant, suite, routing, place, sealedBlock, nowUnixMs);
    }
  });
  return rows.map(({ serial }) => getTerminal(context, serial));
}

/** @throws {CustodyError} ERR_SEQUENCE_INDEX unless the blocks ascend above every block that a terminal has. */
function requireUnused(context: ReadContext, blocks: readonly TerminalBlock[]): void {
  const next = nextBlockIndex(context);
  if (blocks.every(({ index }, i) => index >= next && index > (blocks[i - 1]?.index ?? -1))) return;
  throw new CustodyError("ERR_SEQUENCE_INDEX", `block below index ${next} was given to a terminal already`);
}

export function activateTerminals(context: StoreContext, verified: readonly TerminalKeys[]): readonly Terminal[] {
  commit(context, (database) => {
    const update = "UPDATE terminals SET state = 'active', sign_public = ?, agree_public = ? WHERE serial = ?";
    const insertProof = "INSERT INTO deployment_proofs VALUES (?, ?, ?, NULL)";
    for (const { serial, signPublicKey, agreePublicKey, transcript } of verified) {
      const { state } = getTerminal({ ...context, database }, serial);
      if (state !== "allocated") throw new CustodyError("ERR_TERMINAL_STATE", `terminal is ${state}, not allocated`);
      database.run(update, signPublicKey, agreePublicKey, serial);
      if (transcript) database.run(insertProof, serial, transcript.challenge, transcript.answer);
    }
  });
  return verified.map(({ serial }) => getTerminal(context, serial));
}

export function quarantineTerminals(context: StoreContext, serials: readonly TerminalId[]): readonly Terminal[] {
  for (const serial of serials) getTerminal(context, serial);
  commit(context, (database) => {
    const sql = "UPDATE terminals SET state = 'quarantined' WHERE serial = ?";
    for (const serial of serials) database.run(sql, serial);
  });
  return serials.map((serial) => getTerminal(context, serial));
}

export function getTerminal(context: ReadContext, serial: TerminalId): Terminal {
  const [row] = selectRows(context, "SELECT * FROM terminals WHERE serial = ?", serial);
  if (!row) throw new CustodyError("ERR_TERMINAL_UNKNOWN", "terminal is not registered");
  return readTerminal(row);
}

export function findTerminalByRouting(context: StoreContext, routing: RoutingId): Terminal | undefined {
  const [row] = selectRows(context, "SELECT * FROM terminals WHERE routing = ?", routing);
  return row && readTerminal(row);
}

export function terminals(context: StoreContext, tenant: TenantId): readonly Terminal[] {
  return selectRows(context, "SELECT * FROM terminals WHERE tenant = ? ORDER BY block_index", tenant).map(readTerminal);
}

export function openBlock(context: StoreContext, serial: TerminalId): Uint8Array {
  const [row] = selectRows(context, "SELECT tenant, sealed_block FROM terminals WHERE serial = ?", serial);
  if (!row) throw new CustodyError("ERR_TERMINAL_UNKNOWN", "terminal is not registered");
  const tenant = TenantId.parse(textColumn(row, "tenant"));
  return openBlob(tenantKey(context, tenant), blockContext(tenant, serial), blobColumn(row, "sealed_block"));
}

function readSuite(row: Row): Suite {
  const number = integerColumn(row, "suite");
  const suite = Object.values(SUITE).find((known) => known === number);
  if (suite !== undefined) return suite;
  throw new CustodyError("ERR_KEYSTORE_DAMAGED", "terminal has an unknown suite");
}

function readTerminal(row: Row): Terminal {
  const state = textColumn(row, "state");
  if (state !== "allocated" && state !== "active" && state !== "quarantined") {
    throw new CustodyError("ERR_KEYSTORE_DAMAGED", "terminal has an unknown state");
  }
  return {
    serial: TerminalId.parse(textColumn(row, "serial")),
    tenant: TenantId.parse(textColumn(row, "tenant")),
    suite: readSuite(row),
    routing: RoutingId.parse(textColumn(row, "routing")),
    blockIndex: integerColumn(row, "block_index") % INDICES_PER_FACTORY,
    state,
    signPublicKey: nullable(row, "sign_public", blobColumn),
    agreePublicKey: nullable(row, "agree_public", blobColumn),
  };
}
