/** What every part of the SQLite catalog works with. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

export interface SqlContext {
  /** The prepared statement of a text; each text is prepared once. */
  readonly sql: (text: string) => StatementSync;
  /** Runs work as one transaction, durable when it returns; nothing of it is there when it throws. Not nested. */
  readonly transact: <T>(work: () => T) => T;
}

/** A context over an open database. */
export function sqlContext(database: DatabaseSync): SqlContext {
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const known = prepared.get(text);
    if (known) return known;
    const statement = database.prepare(text);
    prepared.set(text, statement);
    return statement;
  };
  const transact = <T>(work: () => T): T => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      // A failed COMMIT may have ended the transaction already.
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  };
  return { sql, transact };
}
