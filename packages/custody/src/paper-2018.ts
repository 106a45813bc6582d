/**
 * What suite paper-2018 needs of the key store: the server's RSA key of a tenant, and the RSA keys of its terminals.
 *
 * Source: docs/format-paper-2018.md §1, §8; docs/format.md §12.
 */
import { openBlob, SyntheticTenant, type PaperRsaPair } from "@pericard/crypto";
import { SUITE, type TenantId, type TerminalId } from "@pericard/protocol";
import type { PaperTerminalKeys, Terminal, TerminalBlock } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { tenantKey, tenants } from "./holders.ts";
import { paperKeyContext } from "./paper-key.ts";
import { blobColumn } from "./rows.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";
import { allocateTerminals, getTerminal } from "./terminals.ts";

/** Leave for a tenant, and the server's key pair for what its terminals send. */
export interface PaperTenant extends PaperRsaPair {
  readonly leave: SyntheticTenant;
}

/** @throws {CryptoError} ERR_SUITE_GUARD unless the tenant was created synthetic. */
export function getPaperTenant(context: StoreContext, id: TenantId): PaperTenant {
  const [row] = selectRows(context, "SELECT * FROM paper_tenants WHERE tenant = ?", id);
  const marked = tenants(context).some((tenant) => tenant.id === id && tenant.synthetic);
  const leave = SyntheticTenant.admit({ id, synthetic: marked && row !== undefined });
  const privateDer = openBlob(tenantKey(context, id), paperKeyContext(id), blobColumn(row ?? {}, "sealed_private"));
  return { leave, privateDer, publicDer: blobColumn(row ?? {}, "public_key") };
}

/** @throws {CryptoError} ERR_SUITE_GUARD. @throws {CustodyError} ERR_SEQUENCE_INDEX. */
export function allocatePaperTerminal(
  context: StoreContext,
  leave: SyntheticTenant,
  block: TerminalBlock,
  nowUnixMs: number,
): Terminal {
  const id = SyntheticTenant.idOf(leave);
  getPaperTenant(context, id);
  const [terminal] = allocateTerminals(context, id, [block], nowUnixMs, SUITE.paper2018);
  if (!terminal) throw new TypeError("expected one terminal, got none");
  return terminal;
}

/** @throws {CustodyError} ERR_TERMINAL_STATE when the terminal is not allocated, or is of suite pericard-1. */
export function activatePaperTerminal(context: StoreContext, keys: PaperTerminalKeys): Terminal {
  const { serial, signPublicKey, envelopePublicKey } = keys;
  commit(context, (database) => {
    const { state, suite } = getTerminal({ ...context, database }, serial);
    if (state !== "allocated" || suite !== SUITE.paper2018) {
      throw new CustodyError("ERR_TERMINAL_STATE", `terminal is ${state}, of suite ${suite}`);
    }
    database.run("UPDATE terminals SET state = 'active', sign_public = ? WHERE serial = ?", signPublicKey, serial);
    database.run("INSERT INTO paper_terminals VALUES (?, ?)", serial, envelopePublicKey);
  });
  return getTerminal(context, serial);
}

/** The RSA public key of a terminal, SubjectPublicKeyInfo; undefined when none was registered. */
export function findEnvelopeKey(context: StoreContext, serial: TerminalId): Uint8Array | undefined {
  const [row] = selectRows(context, "SELECT envelope_public FROM paper_terminals WHERE serial = ?", serial);
  return row && blobColumn(row, "envelope_public");
}
