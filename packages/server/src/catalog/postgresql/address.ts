/** Where a PostgreSQL database is, as settings say it. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { ServerError } from "../../errors.ts";

/** A database in `server.json`. Its password stands in a file of its own, never in the address. */
export interface PostgresqlConfig {
  /** `postgresql://user@host:port/database`, with `?sslmode=disable` where a network is trusted as it is. */
  readonly postgresql: string;
  readonly passwordFile: string;
  /** Certificates (PEM) that the database's one is checked against, in place of the system's. */
  readonly caFile?: string;
}

/** A database as its client needs it. */
export interface PostgresqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Read anew for each connection, so that it can be changed. */
  readonly password: () => Promise<string>;
  readonly ssl: false | { readonly rejectUnauthorized: true; readonly ca?: string };
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;

function refuse(why: string): never {
  throw new ServerError("ERR_SERVER_CONFIG", `address of a database ${why}`);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse("has a part that is not percent-encoded as it should be");
  }
}

/** @throws {ServerError} ERR_SERVER_CONFIG. Messages do not repeat the address: somebody may have put a password there. */
export function parsePostgresql({ postgresql, caFile, passwordFile }: PostgresqlConfig): PostgresqlAddress {
  const url = URL.parse(postgresql) ?? refuse("is no URL");
  if (url.protocol !== "postgresql:" && url.protocol !== "postgres:") refuse("does not begin with postgresql://");
  if (url.password !== "") refuse("has a password in it; put it into passwordFile");
  const [host, user, database] = [url.hostname.replace(/^\[|\]$/g, ""), url.username, url.pathname.slice(1)].map(
    decoded,
  ) as [string, string, string];
  if (!host || !user || !database || database.includes("/")) refuse("lacks a user, a host or a database");
  const { sslmode, ...others } = Object.fromEntries(url.searchParams);
  if (Object.keys(others).length > 0) refuse(`has an unknown parameter ${Object.keys(others).join(", ")}`);
  if (sslmode !== undefined && sslmode !== "disable" && sslmode !== "verify-full") {
    refuse("has another sslmode than verify-full or disable");
  }
  const isPlain = sslmode === "disable" || (sslmode === undefined && LOOPBACK.test(host));
  const ca = caFile === undefined ? {} : { ca: readFileSync(caFile, "utf8") };
  return {
    host,
    port: url.port === "" ? 5432 : Number(url.port),
    user,
    database,
    password: async () => (await readFile(passwordFile, "utf8")).trim(),
    ssl: isPlain ? false : { rejectUnauthorized: true, ...ca },
  };
}
