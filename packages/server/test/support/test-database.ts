/** A database of a test's own in the PostgreSQL that `scripts/services` started. */
import { systemRandom } from "@pericard/crypto";
import { toHex } from "@pericard/protocol";
import { Client } from "pg";
import type { PostgresqlConfig } from "../../src/catalog/postgresql/address.ts";
import { readSecretFile, type Services } from "./services.ts";

export class TestDatabase {
  readonly name = `pericard_test_${toHex(systemRandom(8))}`;
  readonly service: Services["postgresql"];

  private constructor(service: Services["postgresql"]) {
    this.service = service;
  }

  static async make(service: Services["postgresql"]): Promise<TestDatabase> {
    const database = new TestDatabase(service);
    await database.command(`CREATE DATABASE ${database.name}`);
    return database;
  }

  /** As settings name it. @param port of something that stands between. */
  config(port: number = this.service.port): PostgresqlConfig {
    const { host, user, passwordFile } = this.service;
    return { postgresql: `postgresql://${user}@${host}:${port}/${this.name}`, passwordFile };
  }

  /** Runs a statement in the cluster's first database. */
  async command(text: string): Promise<void> {
    await this.#run(this.service.database, text);
  }

  /** Runs a statement in this database. */
  query(text: string): Promise<readonly Record<string, unknown>[]> {
    return this.#run(this.name, text);
  }

  /** Ends every connection to this database, as a restart does. */
  async disconnect(): Promise<void> {
    await this.command(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${this.name}'`);
  }

  async remove(): Promise<void> {
    await this.command(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`);
  }

  /** A connection for each statement: a test may end all of them, or the whole engine. */
  async #run(database: string, text: string): Promise<readonly Record<string, unknown>[]> {
    const { host, port, user, passwordFile } = this.service;
    const client = new Client({ host, port, user, database, password: readSecretFile(passwordFile) });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }
}
