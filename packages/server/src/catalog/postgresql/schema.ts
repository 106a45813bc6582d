/** The tables of the catalog in PostgreSQL, and their versions. */
import { sha256 } from "@pericard/crypto";
import { equalBytes, utf8 } from "@pericard/protocol";
import { ServerError } from "../../errors.ts";
import { SCHEMA, type Database } from "./database.ts";

/**
 * The tables, as ../sqlite/schema.ts has them. Run when this text has changed: a catalog of before gets a table that it
 * lacks. What changes a table that is there needs an entry in {@link UPGRADES} too.
 */
const TABLES = `
CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
-- One row. A catalog that is not whole is being rebuilt, or its rebuild was interrupted.
CREATE TABLE IF NOT EXISTS catalog (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version integer NOT NULL,
  -- What made the tables, so that a start over tables that are there locks nothing.
  tables bytea NOT NULL,
  whole boolean NOT NULL DEFAULT false,
  -- Number of the last rebuild.
  rebuild bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS recordings (
  key bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  id text COLLATE "C" NOT NULL UNIQUE,
  tenant text COLLATE "C" NOT NULL,
  terminal text COLLATE "C" NOT NULL,
  patient text COLLATE "C",
  predecessor text COLLATE "C",
  predecessor_cause text COLLATE "C",
  first_received_ms bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS recordings_by_patient ON recordings (patient, first_received_ms);
CREATE INDEX IF NOT EXISTS recordings_by_predecessor ON recordings (predecessor) WHERE predecessor IS NOT NULL;
CREATE TABLE IF NOT EXISTS streams (
  recording bigint NOT NULL,
  stream smallint NOT NULL,
  kind smallint NOT NULL,
  shape text COLLATE "C" NOT NULL,
  boot_id text COLLATE "C",
  boot_monotonic_ms bigint,
  claimed_ms bigint,
  claimed_zone integer,
  first_received_ms bigint NOT NULL,
  last_received_ms bigint NOT NULL,
  end_frame bigint NOT NULL DEFAULT 0,
  segment_count bigint NOT NULL DEFAULT 0,
  highest_sequence bigint NOT NULL DEFAULT -1,
  final_sequence bigint,
  told_sequence bigint,
  told_open boolean NOT NULL DEFAULT true,
  -- Set with every segment, cleared by whoever looks for segments without a summary and finds none.
  unsummarised boolean NOT NULL DEFAULT true,
  PRIMARY KEY (recording, stream)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS streams_unsummarised ON streams (recording, stream) WHERE unsummarised;
-- What lies in packs: data packages of a recording, and signed statements (kind other than 1, recording 0) by their SHA-256.
CREATE TABLE IF NOT EXISTS packages (
  key bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  recording bigint NOT NULL,
  kind smallint NOT NULL DEFAULT 1,
  hash bytea
);
CREATE INDEX IF NOT EXISTS packages_by_recording ON packages (recording);
CREATE UNIQUE INDEX IF NOT EXISTS packages_by_hash ON packages (hash) WHERE hash IS NOT NULL;
CREATE TABLE IF NOT EXISTS copies (
  volume text COLLATE "C" NOT NULL,
  file bigint NOT NULL,
  "offset" bigint NOT NULL,
  size bigint NOT NULL,
  package bigint NOT NULL,
  PRIMARY KEY (package, volume)
);
CREATE INDEX IF NOT EXISTS copies_by_place ON copies (volume, file, "offset");
CREATE TABLE IF NOT EXISTS segments (
  recording bigint NOT NULL,
  stream smallint NOT NULL,
  sequence bigint NOT NULL,
  hash bytea NOT NULL,
  prev bytea,
  final boolean NOT NULL,
  first_frame bigint NOT NULL,
  frame_count integer NOT NULL,
  size integer NOT NULL,
  cycle bigint NOT NULL,
  key_index smallint NOT NULL,
  use bigint NOT NULL,
  policy_version bigint NOT NULL,
  received_ms bigint NOT NULL,
  package bigint NOT NULL,
  item smallint NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
);
CREATE TABLE IF NOT EXISTS gaps (
  recording text COLLATE "C" NOT NULL,
  stream smallint NOT NULL,
  sequence bigint NOT NULL,
  cause text COLLATE "C" NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
);
CREATE TABLE IF NOT EXISTS summaries (
  recording bigint NOT NULL,
  stream smallint NOT NULL,
  sequence bigint NOT NULL,
  suspect boolean NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
);
ALTER TABLE summaries ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS boots (
  terminal text COLLATE "C" NOT NULL,
  boot_id text COLLATE "C" NOT NULL,
  offset_ms bigint NOT NULL,
  PRIMARY KEY (terminal, boot_id)
);
CREATE TABLE IF NOT EXISTS terminal_status (
  terminal text COLLATE "C" PRIMARY KEY,
  contact bigint NOT NULL,
  received_ms bigint NOT NULL,
  status text COLLATE "C" NOT NULL
);
-- The newest request of each terminal for streams of its own: one of before is a replay.
CREATE TABLE IF NOT EXISTS fetch_contacts (
  terminal text COLLATE "C" PRIMARY KEY,
  contact bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
  token_hash bytea PRIMARY KEY,
  account text COLLATE "C" NOT NULL,
  expires_ms bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS audit (
  number bigint PRIMARY KEY,
  at_ms bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  hash bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS erased (
  recording text COLLATE "C" PRIMARY KEY,
  number bigint NOT NULL,
  erased_ms bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS erased_by_number ON erased (number);
-- What stays of an erased recording's segments; packed once it lies on the volumes too.
CREATE TABLE IF NOT EXISTS stubs (
  recording text COLLATE "C" NOT NULL,
  stream smallint NOT NULL,
  sequence bigint NOT NULL,
  hash bytea NOT NULL,
  prev bytea,
  final boolean NOT NULL,
  packed boolean NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
);
CREATE INDEX IF NOT EXISTS stubs_unpacked ON stubs (recording, stream, sequence) WHERE NOT packed;
CREATE TABLE IF NOT EXISTS notes (
  name text COLLATE "C" PRIMARY KEY,
  json text COLLATE "C" NOT NULL
);
-- Which uses of each terminal's keys sealed a stored segment: one bit each, 256 uses a row, lowest bit first.
CREATE TABLE IF NOT EXISTS key_uses (
  terminal text COLLATE "C" NOT NULL,
  cycle bigint NOT NULL,
  key_index smallint NOT NULL,
  run bigint NOT NULL,
  bits bytea NOT NULL,
  PRIMARY KEY (terminal, cycle, key_index, run)
);
-- Packages that a rebuild has found, by their commitments.
CREATE TABLE IF NOT EXISTS rebuilt (
  commitment bytea PRIMARY KEY,
  package bigint NOT NULL
);
`;

/** What a rebuild makes anew. What is in no pack stays: statuses, sessions, the audit trail, what was erased. */
const REBUILT_TABLES = "recordings, streams, packages, copies, segments, gaps, summaries, key_uses, rebuilt";

/** What brings a catalog from version n to n + 1, at place n - 1. Run before {@link TABLES}. */
const UPGRADES: readonly string[] = [];

/** Version of the tables. An older catalog is brought up to date, a newer one refused. */
export const POSTGRESQL_CATALOG_VERSION = UPGRADES.length + 1;

/** Locks that one session of the database has at a time: "peri" and a number. */
const SCHEMA_LOCK = 0x70657269_01;
export const REBUILD_LOCK = 0x70657269_02;

/**
 * Makes the tables, or brings them up to date.
 *
 * @throws {ServerError} ERR_CATALOG_VERSION when a newer Pericard made them.
 */
export async function prepareTables({ transact }: Database): Promise<void> {
  const tables = sha256(utf8(TABLES));
  await transact(async (ask) => {
    await ask("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK);
    const [{ there } = {}] = await ask("SELECT to_regclass($1) IS NOT NULL AS there", `${SCHEMA}.catalog`);
    const [row] = there === true ? await ask("SELECT version, tables FROM catalog") : [];
    const version = row ? Number(row["version"]) : POSTGRESQL_CATALOG_VERSION;
    if (version > POSTGRESQL_CATALOG_VERSION) {
      const message = `catalog has version ${version}, this program knows ${POSTGRESQL_CATALOG_VERSION}`;
      throw new ServerError("ERR_CATALOG_VERSION", `${message}: start the newer program`);
    }
    const isCurrent = row !== undefined && equalBytes(row["tables"] as Uint8Array, tables);
    if (isCurrent && version === POSTGRESQL_CATALOG_VERSION) return;
    for (const statement of [...UPGRADES.slice(version - 1), TABLES].flatMap(statementsOf)) await ask(statement);
    await ask(
      "INSERT INTO catalog (version, tables) VALUES ($1, $2)" +
        " ON CONFLICT (one) DO UPDATE SET version = excluded.version, tables = excluded.tables",
      POSTGRESQL_CATALOG_VERSION,
      tables,
    );
  });
}

/** A prepared statement is one. */
function statementsOf(text: string): readonly string[] {
  const plain = text.replaceAll(/--.*$/gm, "");
  return plain
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

/** Whether every package of the volumes has its rows. */
export async function isWhole({ ask }: Database): Promise<boolean> {
  const [row] = await ask("SELECT whole FROM catalog");
  return row?.["whole"] === true;
}

/** Forgets what a rebuild makes anew, and that the catalog is whole. */
export async function beginRebuild({ transact }: Database): Promise<void> {
  await transact(async (ask) => {
    await ask("UPDATE catalog SET whole = false, rebuild = rebuild + 1");
    await ask(`TRUNCATE ${REBUILT_TABLES}`);
  });
}
