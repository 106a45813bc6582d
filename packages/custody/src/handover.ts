/**
 * The factory's side of key blocks that go to a server on another machine: for which intake it deploys, and what it has
 * handed over.
 *
 * Source: docs/format.md §12.5 to §12.7; docs/keys.md.
 */
import { ed25519Private, openBlob, rawPublicKey, sealBlob, type KeyObject } from "@pericard/crypto";
import { IntakeId, TenantId, type TerminalId } from "@pericard/protocol";
import type { DeployedTerminal, JoinedIntake } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { tenantKey } from "./holders.ts";
import { blobColumn, integerColumn, textColumn, type Row } from "./rows.ts";
import { commit, KEY_BYTES, selectRows, type StoreContext } from "./store-context.ts";
import { blockContext, getTerminal } from "./terminals.ts";

/** An intake whose signatures were verified. */
export type NewMembership = Omit<JoinedIntake, "factoryKey">;

const factoryKeyContext = (intake: IntakeId) => ["factory-key", IntakeId.toBytes(intake)] as const;

/** What a key store of a factory hands over. */
export class Handover {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Makes a new store one of a factory: takes the tenant of the intake over under a key of its own and draws the
   * factory's signing key. One commit, in every copy.
   *
   * @throws {CustodyError} ERR_KEYSTORE_EXISTS when the store has a tenant.
   */
  join(membership: NewMembership, nowUnixMs: number): JoinedIntake {
    const { kek, random } = this.#context;
    if (selectRows(this.#context, "SELECT 1 FROM tenants").length > 0) {
      throw new CustodyError("ERR_KEYSTORE_EXISTS", "key store belongs to an installation already");
    }
    const { id, tenant, factoryNumber, intakeKey, rootPublicKey, hpkeStatement, receiptStatement } = membership;
    const key = random(KEY_BYTES);
    const sealedKey = kek.seal(["tenant", TenantId.toBytes(tenant)], key);
    const seed = random(KEY_BYTES);
    const factoryKey = rawPublicKey(ed25519Private(seed));
    const sealedSeed = sealBlob(key, factoryKeyContext(id), seed, random);
    commit(this.#context, (database) => {
      // Never synthetic: suite paper-2018 stays with the server.
      database.run("INSERT INTO tenants VALUES (?, ?, 0, ?, ?)", tenant, "Intake", sealedKey, nowUnixMs);
      database.run(
        "INSERT INTO joined_intake VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        id,
        tenant,
        factoryNumber,
        intakeKey,
        rootPublicKey,
        hpkeStatement,
        receiptStatement,
        factoryKey,
        sealedSeed,
        nowUnixMs,
      );
    });
    return { ...membership, factoryKey };
  }

  /** The intake of this factory; undefined where the server itself is. */
  find(): JoinedIntake | undefined {
    const [row] = selectRows(this.#context, "SELECT * FROM joined_intake");
    return row && readJoined(row);
  }

  /** The factory's signing key. */
  openFactoryKey({ id, tenant }: JoinedIntake): KeyObject {
    const [row] = selectRows(this.#context, "SELECT sealed_factory FROM joined_intake WHERE id = ?", id);
    const sealed = blobColumn(row ?? {}, "sealed_factory");
    return ed25519Private(openBlob(tenantKey(this.#context, tenant), factoryKeyContext(id), sealed));
  }

  /** Active terminals that are in no transfer yet, in the order of their blocks, `countMax` at most. */
  waiting(countMax: number): readonly TerminalId[] {
    const rows = selectRows(
      this.#context,
      `SELECT serial FROM terminals JOIN deployment_proofs USING (serial)
       WHERE state = 'active' AND transfer IS NULL ORDER BY block_index LIMIT ?`,
      countMax,
    );
    return rows.map((row) => textColumn(row, "serial") as TerminalId);
  }

  /** Active terminals of a transfer that was made before. */
  transferred(transferNumber: number): readonly TerminalId[] {
    const rows = selectRows(
      this.#context,
      `SELECT serial FROM terminals JOIN deployment_proofs USING (serial)
       WHERE state = 'active' AND transfer = ? ORDER BY block_index`,
      transferNumber,
    );
    return rows.map((row) => textColumn(row, "serial") as TerminalId);
  }

  /** Number of the next transfer, from 1 on. */
  get nextTransferNumber(): number {
    const [last] = selectRows(this.#context, "SELECT COALESCE(MAX(transfer), 0) AS n FROM deployment_proofs");
    return 1 + integerColumn(last ?? {}, "n");
  }

  /** Everything that a server has to know of a terminal, with its key block. @throws {CustodyError} ERR_TERMINAL_STATE. */
  open(serial: TerminalId): DeployedTerminal {
    const { tenant, routing, blockIndex, signPublicKey, agreePublicKey } = getTerminal(this.#context, serial);
    const [row] = selectRows(
      this.#context,
      "SELECT sealed_block, challenge, answer FROM terminals JOIN deployment_proofs USING (serial) WHERE serial = ?",
      serial,
    );
    if (!row || !signPublicKey || !agreePublicKey) {
      throw new CustodyError("ERR_TERMINAL_STATE", `terminal ${serial} was not verified`);
    }
    const key = tenantKey(this.#context, tenant);
    const block = openBlob(key, blockContext(tenant, serial), blobColumn(row, "sealed_block"));
    const transcript = { challenge: blobColumn(row, "challenge"), answer: blobColumn(row, "answer") };
    return { serial, routing, blockIndex, block, signPublicKey, agreePublicKey, ...transcript };
  }

  /** Keeps in which transfer terminals are. Durable in every copy when it returns. */
  mark(serials: readonly TerminalId[], transferNumber: number): void {
    commit(this.#context, (database) => {
      const sql = "UPDATE deployment_proofs SET transfer = ? WHERE serial = ?";
      for (const serial of serials) database.run(sql, transferNumber, serial);
    });
  }
}

function readJoined(row: Row): JoinedIntake {
  return {
    id: IntakeId.parse(textColumn(row, "id")),
    tenant: TenantId.parse(textColumn(row, "tenant")),
    factoryNumber: integerColumn(row, "number"),
    intakeKey: blobColumn(row, "intake_public"),
    rootPublicKey: blobColumn(row, "root_public"),
    hpkeStatement: blobColumn(row, "hpke_statement"),
    receiptStatement: blobColumn(row, "receipt_statement"),
    factoryKey: blobColumn(row, "factory_public"),
  };
}
