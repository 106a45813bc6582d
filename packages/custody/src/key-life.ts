/**
 * The life of each terminal's keys: how far they are used, changes of the maximum use count, and what went wrong.
 *
 * Source: docs/keys.md; docs/format.md §12.2.
 */
import { openBlob, sealBlob } from "@pericard/crypto";
import { compareKeyUse, KEYS_PER_BLOCK, TerminalId, type KeyUse } from "@pericard/protocol";
import type { KeyAlarm, KeyChange, KeyChangeEnd, KeyLife, KeyMark, NewKeyChange, NewKeyOrder } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { tenantKey } from "./holders.ts";
import { firstRow } from "./key-database.ts";
import { blobColumn, integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";
import { getTerminal } from "./terminals.ts";

const DAY_MS = 24 * 3600 * 1000;
/** Days of which marks are kept: what the pace of consumption is learned from. */
const MARK_DAYS_MAX = 90;
/** Alarms of one terminal that are kept; the audit trail has all. */
const ALARMS_MAX = 100;

const STATES = ["offered", "ordered", "done", "refused", "cancelled"] as const;

/** Everything known of one terminal's keys. @throws {CustodyError} ERR_TERMINAL_UNKNOWN. */
export function keyLife(context: StoreContext, serial: TerminalId): KeyLife {
  getTerminal(context, serial);
  return {
    marks: selectRows(context, "SELECT * FROM key_marks WHERE terminal = ? ORDER BY day", serial).map(readMark),
    changes: selectRows(context, "SELECT * FROM key_changes WHERE terminal = ? ORDER BY version", serial).map(
      readChange,
    ),
    alarms: selectRows(context, "SELECT * FROM key_alarms WHERE terminal = ? ORDER BY id", serial).map(readAlarm),
  };
}

/** Keeps how far a terminal's keys are used: one row a day, the newest is the high-water mark. It never goes back. */
export function markKeyUse(context: StoreContext, serial: TerminalId, mark: KeyMark): void {
  const day = Math.floor(mark.atUnixMs / DAY_MS);
  commit(context, (database) => {
    const newest = firstRow(database, "SELECT * FROM key_marks WHERE terminal = ? ORDER BY day DESC LIMIT 1", serial);
    if (newest && compareKeyUse(readMark(newest), mark) > 0) return;
    database.run(
      "INSERT INTO key_marks VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (terminal, day) DO UPDATE SET at_ms = excluded.at_ms," +
        " cycle = excluded.cycle, key_index = excluded.key_index, use = excluded.use, used = excluded.used",
      serial,
      day,
      mark.atUnixMs,
      mark.cycle,
      mark.index,
      mark.use,
      mark.usedCount,
    );
    database.run("DELETE FROM key_marks WHERE terminal = ? AND day < ?", serial, day - MARK_DAYS_MAX);
  });
}

/** Keeps an offer before it is sent, and cancels what was under way. @throws {CustodyError} ERR_KEY_CHANGE_VERSION. */
export function beginKeyChange(context: StoreContext, serial: TerminalId, change: NewKeyChange): void {
  const { version, maximum, offer, secret, begunAtUnixMs } = change;
  const { tenant } = getTerminal(context, serial);
  const sealed = sealBlob(tenantKey(context, tenant), secretContext(serial, version), secret, context.random);
  commit(context, (database) => {
    const last = firstRow(database, "SELECT MAX(version) AS v FROM key_changes WHERE terminal = ?", serial)?.["v"];
    if (Number(last ?? 0) >= version) {
      throw new CustodyError("ERR_KEY_CHANGE_VERSION", "key change has a version that was used before");
    }
    database.run(
      "UPDATE key_changes SET state = 'cancelled', sealed_secret = NULL, ended_ms = ?" +
        " WHERE terminal = ? AND state IN ('offered', 'ordered')",
      begunAtUnixMs,
      serial,
    );
    database.run(
      "INSERT INTO key_changes (terminal, version, state, maximum, offer, sealed_secret, begun_ms)" +
        " VALUES (?, ?, 'offered', ?, ?, ?, ?)",
      serial,
      version,
      maximum,
      offer,
      sealed,
      begunAtUnixMs,
    );
  });
}

/** The secret half of an offer's ephemeral key; undefined when the change does not wait for an answer any more. */
export function openKeyChangeSecret(
  context: StoreContext,
  serial: TerminalId,
  version: number,
): Uint8Array | undefined {
  const { tenant } = getTerminal(context, serial);
  const sql = "SELECT sealed_secret FROM key_changes WHERE terminal = ? AND version = ? AND state = 'offered'";
  const [row] = selectRows(context, sql, serial, version);
  return row && openBlob(tenantKey(context, tenant), secretContext(serial, version), blobColumn(row, "sealed_secret"));
}

/**
 * Keeps an order before it is sent, and forgets the secret. Whether it was kept: not when the change does not wait for an
 * answer any more.
 */
export function orderKeyChange(context: StoreContext, serial: TerminalId, ordered: NewKeyOrder): boolean {
  const { version, answerHash, order, effectiveFrom, orderedAtUnixMs } = ordered;
  return commit(context, (database) => {
    const changes = database.run(
      "UPDATE key_changes SET state = 'ordered', sealed_secret = NULL, answer_hash = ?, key_order = ?, from_cycle = ?," +
        " from_index = ?, from_use = ?, ordered_ms = ? WHERE terminal = ? AND version = ? AND state = 'offered'",
      answerHash,
      order,
      effectiveFrom.cycle,
      effectiveFrom.index,
      effectiveFrom.use,
      orderedAtUnixMs,
      serial,
      version,
    );
    return changes === 1;
  });
}

/** Keeps how a change ended. One that was done stays done. */
export function endKeyChange(context: StoreContext, serial: TerminalId, version: number, end: KeyChangeEnd): void {
  const { taken, code } = end;
  commit(context, (database) => {
    database.run(
      "UPDATE key_changes SET state = ?, sealed_secret = NULL, ended_ms = ?, taken_cycle = ?, taken_index = ?," +
        " taken_use = ?, code = ? WHERE terminal = ? AND version = ? AND state <> 'done'",
      end.state,
      end.endedAtUnixMs,
      taken?.cycle ?? null,
      taken?.index ?? null,
      taken?.use ?? null,
      code,
      serial,
      version,
    );
  });
}

/** Keeps an alarm. */
export function addKeyAlarm(context: StoreContext, serial: TerminalId, alarm: KeyAlarm): void {
  commit(context, (database) => {
    database.run(
      "INSERT INTO key_alarms (terminal, at_ms, kind, detail) VALUES (?, ?, ?, ?)",
      serial,
      alarm.atUnixMs,
      alarm.kind,
      alarm.detail,
    );
    database.run(
      "DELETE FROM key_alarms WHERE terminal = ? AND id <=" +
        " (SELECT id FROM key_alarms WHERE terminal = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
      serial,
      serial,
      ALARMS_MAX,
    );
  });
}

function secretContext(serial: TerminalId, version: number) {
  return ["key-change", TerminalId.toBytes(serial), version] as const;
}

function readMark(row: Row): KeyMark {
  const atUnixMs = integerColumn(row, "at_ms");
  return { ...keyUseOf(row, "cycle", "key_index", "use"), atUnixMs, usedCount: integerColumn(row, "used") };
}

function keyUseOf(row: Row, cycle: string, index: string, use: string): KeyUse {
  const read = { cycle: integerColumn(row, cycle), index: integerColumn(row, index), use: integerColumn(row, use) };
  if (read.index < KEYS_PER_BLOCK) return read;
  throw new CustodyError("ERR_KEYSTORE_DAMAGED", "key index of a row is out of range");
}

function readChange(row: Row): KeyChange {
  const state = STATES.find((known) => known === row["state"]);
  if (!state) throw new CustodyError("ERR_KEYSTORE_DAMAGED", "key change has an unknown state");
  return {
    version: integerColumn(row, "version"),
    state,
    maximum: integerColumn(row, "maximum"),
    offer: blobColumn(row, "offer"),
    answerHash: nullable(row, "answer_hash", blobColumn),
    order: nullable(row, "key_order", blobColumn),
    effectiveFrom: nullable(row, "from_cycle", () => keyUseOf(row, "from_cycle", "from_index", "from_use")),
    taken: nullable(row, "taken_cycle", () => keyUseOf(row, "taken_cycle", "taken_index", "taken_use")),
    code: nullable(row, "code", textColumn),
    begunAtUnixMs: integerColumn(row, "begun_ms"),
    orderedAtUnixMs: nullable(row, "ordered_ms", integerColumn),
    endedAtUnixMs: nullable(row, "ended_ms", integerColumn),
  };
}

function readAlarm(row: Row): KeyAlarm {
  return { atUnixMs: integerColumn(row, "at_ms"), kind: textColumn(row, "kind"), detail: textColumn(row, "detail") };
}
