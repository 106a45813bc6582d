/** Raises a number in a database, one commit at a time, beside others that do the same. */
import { workerData } from "node:worker_threads";
import { PostgresqlDatabase } from "../../src/postgresql-database.ts";
import type { PostgresqlPlace } from "../../src/postgresql-messages.ts";

const { place, count } = workerData as { readonly place: PostgresqlPlace; readonly count: number };
const database = PostgresqlDatabase.open(place);
for (let i = 0; i < count; i += 1) {
  database.commit((writer) => {
    const [row] = writer.rows("SELECT name FROM things WHERE id = 1");
    writer.run("UPDATE things SET name = ? WHERE id = 1", String(Number(row?.["name"]) + 1));
  });
}
database.close();
