/**
 * The server's side of key blocks that come from factories on other machines: what was made for each, and what was taken.
 *
 * Source: docs/format.md §7.9, §12.6, §12.7; docs/keys.md.
 */
import { openBlob, rawPublicKey, sealBlob, x25519Private, type HpkeKeyPair } from "@pericard/crypto";
import { FACTORY_NUMBER_MAX, IntakeId, SUITE, TenantId, TerminalId } from "@pericard/protocol";
import type { ImportedTerminal, ImportRecord, IntakeRecord } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { tenantKey } from "./holders.ts";
import { blobColumn, integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { firstRow, type RowWriter } from "./key-database.ts";
import { commit, KEY_BYTES, selectRows, type StoreContext } from "./store-context.ts";
import { blockContext, blockPlace } from "./terminals.ts";

/** What one transfer adds to the store. */
export interface Import {
  readonly intake: IntakeRecord;
  /** The factory's key, 32 bytes: kept with the intake when it has none yet. */
  readonly factoryKey: Uint8Array;
  /** Terminals that are not registered. */
  readonly terminals: readonly ImportedTerminal[];
  readonly record: Omit<ImportRecord, "intake" | "addedCount">;
}

/** One terminal's key block, 960 bytes, and its public signing key, null before it was verified. */
export interface TerminalSecrets {
  readonly serial: TerminalId;
  readonly block: Uint8Array;
  readonly signPublicKey: Uint8Array | null;
}

const keyContext = (intake: IntakeId) => ["intake", IntakeId.toBytes(intake)] as const;

/** The intakes of a key store. */
export class Intakes {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Makes an intake of a tenant with a key of its own. Durable in every copy when it returns.
   *
   * @throws {CustodyError} ERR_INTAKE_LIMIT when 65,535 were made.
   */
  create(tenant: TenantId, nowUnixMs: number): IntakeRecord {
    const { random } = this.#context;
    const id = IntakeId.fromBytes(random(16));
    const privateBytes = random(KEY_BYTES);
    const publicKey = rawPublicKey(x25519Private(privateBytes));
    const sealed = sealBlob(tenantKey(this.#context, tenant), keyContext(id), privateBytes, random);
    const factoryNumber = commit(this.#context, (database) => {
      const number = nextNumber(database);
      database.run(
        "INSERT INTO intakes VALUES (?, ?, ?, ?, ?, NULL, ?)",
        id,
        tenant,
        number,
        publicKey,
        sealed,
        nowUnixMs,
      );
      return number;
    });
    return { id, tenant, factoryNumber, publicKey, factoryKey: null, createdAtUnixMs: nowUnixMs };
  }

  /** Every intake, oldest first. */
  list(): readonly IntakeRecord[] {
    return selectRows(this.#context, "SELECT * FROM intakes ORDER BY number").map(readIntake);
  }

  find(id: IntakeId): IntakeRecord | undefined {
    const [row] = selectRows(this.#context, "SELECT * FROM intakes WHERE id = ?", id);
    return row && readIntake(row);
  }

  /** What opens the transfers of an intake. */
  openKey({ id, tenant, publicKey }: IntakeRecord): HpkeKeyPair {
    const [row] = selectRows(this.#context, "SELECT sealed_private FROM intakes WHERE id = ?", id);
    const sealed = blobColumn(row ?? {}, "sealed_private");
    const privateBytes = openBlob(tenantKey(this.#context, tenant), keyContext(id), sealed);
    return { privateKey: x25519Private(privateBytes), publicBytes: publicKey };
  }

  /** What no two terminals may share, of all of them one by one, whatever their tenant. */
  *secrets(): Generator<TerminalSecrets> {
    const keys = new Map<TenantId, Uint8Array>();
    for (const row of everyTerminal(this.#context)) {
      const serial = TerminalId.parse(textColumn(row, "serial"));
      const tenant = TenantId.parse(textColumn(row, "tenant"));
      const key = keys.get(tenant) ?? tenantKey(this.#context, tenant);
      keys.set(tenant, key);
      const block = openBlob(key, blockContext(tenant, serial), blobColumn(row, "sealed_block"));
      yield { serial, block, signPublicKey: nullable(row, "sign_public", blobColumn) };
    }
  }

  /**
   * Registers the terminals of a transfer, keeps who the factory is, and writes the transfer down: one commit in every
   * copy, all or nothing. What was judged before is the caller's: nobody else may register meanwhile.
   *
   * @throws {CustodyError} ERR_INTAKE_FACTORY when the intake has another factory by now.
   */
  take({ intake, factoryKey, terminals, record }: Import): void {
    const key = tenantKey(this.#context, intake.tenant);
    const { random } = this.#context;
    const rows = terminals.map((terminal) => ({
      ...terminal,
      sealed: sealBlob(key, blockContext(intake.tenant, terminal.serial), terminal.block, random),
    }));
    commit(this.#context, (database) => {
      acceptFactory(database, intake.id, factoryKey);

      for (const { serial, routing, blockIndex, sealed, signPublicKey, agreePublicKey } of rows) {
        const place = blockPlace(intake.factoryNumber, blockIndex);
        const { pericard1 } = SUITE;
        database.run(
          "INSERT INTO terminals VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?, ?)",
          serial,
          intake.tenant,
          pericard1,
          routing,
          place,
          sealed,
          signPublicKey,
          agreePublicKey,
          record.atUnixMs,
        );
      }
      database.run(
        "INSERT INTO imports (intake, transfer, hash, added, known, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
        intake.id,
        record.transferNumber,
        record.hash,
        rows.length,
        record.knownCount,
        record.atUnixMs,
      );
    });
  }

  /** Every transfer that was taken, oldest first: files that were given again are there again. */
  imports(): readonly ImportRecord[] {
    return selectRows(this.#context, "SELECT * FROM imports ORDER BY id").map((row) => ({
      intake: IntakeId.parse(textColumn(row, "intake")),
      transferNumber: integerColumn(row, "transfer"),
      hash: blobColumn(row, "hash"),
      addedCount: integerColumn(row, "added"),
      knownCount: integerColumn(row, "known"),
      atUnixMs: integerColumn(row, "at_ms"),
    }));
  }
}

/** Rows read at once: a store of a million terminals does not fit into memory. */
const PAGE_ROWS = 1000;

function* everyTerminal(context: StoreContext): Generator<Row> {
  for (let last = ""; ;) {
    const sql =
      "SELECT serial, tenant, sealed_block, sign_public FROM terminals WHERE serial > ? ORDER BY serial LIMIT ?";
    const page = selectRows(context, sql, last, PAGE_ROWS);
    yield* page;
    const end = page.at(-1);
    if (!end) return;
    last = textColumn(end, "serial");
  }
}

function nextNumber(database: RowWriter): number {
  const last = Number(firstRow(database, "SELECT COALESCE(MAX(number), 0) AS n FROM intakes")?.["n"]);
  if (last < FACTORY_NUMBER_MAX) return last + 1;
  throw new CustodyError("ERR_INTAKE_LIMIT", `installation has ${last} intakes, and no number for another`);
}

function acceptFactory(database: RowWriter, intake: IntakeId, factoryKey: Uint8Array): void {
  const changes = database.run(
    "UPDATE intakes SET factory_public = ? WHERE id = ? AND COALESCE(factory_public, ?) = ?",
    factoryKey,
    intake,
    factoryKey,
    factoryKey,
  );
  if (changes !== 1) throw new CustodyError("ERR_INTAKE_FACTORY", "intake is another factory's");
}

function readIntake(row: Row): IntakeRecord {
  return {
    id: IntakeId.parse(textColumn(row, "id")),
    tenant: TenantId.parse(textColumn(row, "tenant")),
    factoryNumber: integerColumn(row, "number"),
    publicKey: blobColumn(row, "public_key"),
    factoryKey: nullable(row, "factory_public", blobColumn),
    createdAtUnixMs: integerColumn(row, "created_at_ms"),
  };
}
