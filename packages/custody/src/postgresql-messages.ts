/** What the bridge to PostgreSQL and its thread say to each other. */
import type { MessagePort } from "node:worker_threads";
import type { SqlValue } from "./key-database.ts";
import type { Row } from "./rows.ts";

/** A PostgreSQL database of the key store's own. */
export interface PostgresqlPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** File with the user's password, read at each connection. */
  readonly passwordFile: string;
  /** false where the network is trusted as it is. */
  readonly ssl: false | { readonly rejectUnauthorized: true; readonly ca?: string };
}

/** What the thread is started with. */
export interface BridgeStart {
  readonly place: PostgresqlPlace;
  /** Set to 1 and woken when an answer is in the port. */
  readonly signal: Int32Array<SharedArrayBuffer>;
  readonly port: MessagePort;
}

/** One statement, with `$1`, `$2`, … for its parameters; without parameters there may be several. */
export interface BridgeCall {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /** Whether the connection must be the one of the call before: within a transaction, and never after it was lost. */
  readonly continues: boolean;
  readonly deadlineMs: number;
}

/** What failed: the connection, or the statement. The text of the database is not passed on: it may tell contents. */
export interface BridgeFailure {
  readonly kind: "connection" | "statement";
  /** SQLSTATE or the system's code. */
  readonly code: string;
}

export type BridgeReply =
  | { readonly id: number; readonly rows: readonly Row[]; readonly rowCount: number }
  | { readonly id: number; readonly failure: BridgeFailure };
