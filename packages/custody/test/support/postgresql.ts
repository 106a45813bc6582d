/** PostgreSQL as `scripts/services up` started it, with a database of its own for each test. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, test } from "vitest";
import { PostgresqlBridge } from "../../src/postgresql-bridge.ts";
import type { PostgresqlPlace } from "../../src/postgresql-messages.ts";

/** The server's process and how it is reached. */
export interface PostgresqlService {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly passwordFile: string;
  readonly database: string;
  readonly pids: readonly number[];
}

const FILE = process.env["PERICARD_SERVICES"] ?? join(import.meta.dirname, "../../../../.services/services.json");
const REMEDY = "scripts/services up --only postgresql";

function findService(): PostgresqlService | undefined {
  if (!existsSync(FILE)) return undefined;
  return (JSON.parse(readFileSync(FILE, "utf8")) as { postgresql?: PostgresqlService }).postgresql;
}

/** A suite that needs PostgreSQL. Without it it is skipped with the remedy in its name; with CI=true it fails. */
export function describeWithPostgresql(name: string, suite: (service: PostgresqlService) => void): void {
  const service = findService();
  if (service) {
    describe(name, () => suite(service));
    return;
  }
  test.skipIf(process.env["CI"] !== "true")(`${name}: needs postgresql (${REMEDY})`, () => {
    throw new Error(`postgresql is not in ${FILE}: ${REMEDY}`);
  });
}

/** The place of one database of the service. */
export function placeOf(
  { host, port, user, passwordFile }: PostgresqlService,
  database: string,
  at: { readonly port: number } = { port },
): PostgresqlPlace {
  return { host, port: at.port, user, database, passwordFile, ssl: false };
}

const made: (() => void)[] = [];
afterEach(() => {
  for (const remove of made.splice(0).toReversed()) remove();
});
let count = 0;

/** Runs a statement as the operator of the service. */
export function administer(service: PostgresqlService, sql: string): void {
  const bridge = new PostgresqlBridge(placeOf(service, service.database));
  try {
    bridge.call(sql, [], false, 30_000);
  } finally {
    bridge.close();
  }
}

/** A new database, which is removed after the test. @returns its name. */
export function newDatabase(service: PostgresqlService): string {
  count += 1;
  const name = `keys_${process.pid}_${count}`;
  administer(service, `CREATE DATABASE ${name}`);
  made.push(() => administer(service, `DROP DATABASE ${name} WITH (FORCE)`));
  return name;
}
