/** Name of the catalog's file. */
export const CATALOG_FILE = "catalog.sqlite";

/** One row for each stream of a recording. */
const STREAMS_TABLE = `CREATE TABLE IF NOT EXISTS streams (
  recording INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  shape TEXT NOT NULL,
  boot_id TEXT,
  boot_monotonic_ms INTEGER,
  claimed_ms INTEGER,
  claimed_zone INTEGER,
  first_received_ms INTEGER NOT NULL,
  last_received_ms INTEGER NOT NULL,
  end_frame INTEGER NOT NULL DEFAULT 0,
  segment_count INTEGER NOT NULL DEFAULT 0,
  highest_sequence INTEGER NOT NULL DEFAULT -1,
  final_sequence INTEGER,
  told_sequence INTEGER,
  told_open INTEGER NOT NULL DEFAULT 1,
  -- 1 when segments may lack a summary: set with every segment, cleared by whoever looks and finds none.
  unsummarised INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (recording, stream)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS streams_unsummarised ON streams (recording, stream) WHERE unsummarised = 1;`;

/**
 * The catalog: what is stored where, what terminals said, who read what. It can be rebuilt from packs and key store, all
 * but the audit trail and the sessions. Run at every start: a catalog of before gets a table that it lacks. What changes
 * a table that is there needs an entry in {@link UPGRADES}.
 */
export const CATALOG_TABLES = `
CREATE TABLE IF NOT EXISTS recordings (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  terminal TEXT NOT NULL,
  patient TEXT,
  predecessor TEXT,
  predecessor_cause TEXT,
  first_received_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS recordings_by_patient ON recordings (patient, first_received_ms);
CREATE INDEX IF NOT EXISTS recordings_by_predecessor ON recordings (predecessor);
${STREAMS_TABLE}
-- What lies in packs: data packages of a recording, and signed statements (kind other than 1, recording 0) by their SHA-256.
CREATE TABLE IF NOT EXISTS packages (
  key INTEGER PRIMARY KEY,
  recording INTEGER NOT NULL,
  kind INTEGER NOT NULL DEFAULT 1,
  hash BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS packages_by_recording ON packages (recording);
CREATE UNIQUE INDEX IF NOT EXISTS packages_by_hash ON packages (hash) WHERE hash IS NOT NULL;
CREATE TABLE IF NOT EXISTS copies (
  volume TEXT NOT NULL,
  file INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  size INTEGER NOT NULL,
  package INTEGER NOT NULL,
  PRIMARY KEY (package, volume)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS copies_by_place ON copies (volume, file, offset);
CREATE TABLE IF NOT EXISTS segments (
  recording INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL,
  prev BLOB,
  final INTEGER NOT NULL,
  first_frame INTEGER NOT NULL,
  frame_count INTEGER NOT NULL,
  size INTEGER NOT NULL,
  cycle INTEGER NOT NULL,
  key_index INTEGER NOT NULL,
  use INTEGER NOT NULL,
  policy_version INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  package INTEGER NOT NULL,
  item INTEGER NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps (
  recording TEXT NOT NULL,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  cause TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS summaries (
  recording INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  suspect INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boots (
  terminal TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  offset_ms INTEGER NOT NULL,
  PRIMARY KEY (terminal, boot_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS terminal_status (
  terminal TEXT PRIMARY KEY,
  contact INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  status TEXT NOT NULL
) STRICT;
-- The newest request of each terminal for streams of its own: one of before is a replay.
CREATE TABLE IF NOT EXISTS fetch_contacts (
  terminal TEXT PRIMARY KEY,
  contact INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
  token_hash BLOB PRIMARY KEY,
  account TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
  number INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT;
-- Erased recordings. Their keys are not given again: what was under way when they went must not meet another recording.
CREATE TABLE IF NOT EXISTS erased (
  key INTEGER PRIMARY KEY,
  recording TEXT NOT NULL UNIQUE,
  number INTEGER NOT NULL,
  erased_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS erased_by_number ON erased (number);
-- What stays of an erased recording's segments; packed once it lies on the volumes too.
CREATE TABLE IF NOT EXISTS stubs (
  recording TEXT NOT NULL,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL,
  prev BLOB,
  final INTEGER NOT NULL,
  packed INTEGER NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stubs_unpacked ON stubs (recording, stream, sequence) WHERE packed = 0;
-- Names this file, once it is migrated.
CREATE TABLE IF NOT EXISTS migration (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS notes (
  name TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT;
-- Which uses of each terminal's keys sealed a stored segment: one bit each, 256 uses a row, lowest bit first.
CREATE TABLE IF NOT EXISTS key_uses (
  terminal TEXT NOT NULL,
  cycle INTEGER NOT NULL,
  key_index INTEGER NOT NULL,
  run INTEGER NOT NULL,
  bits BLOB NOT NULL,
  PRIMARY KEY (terminal, cycle, key_index, run)
) STRICT, WITHOUT ROWID;
`;

const STREAM_COLUMNS =
  "shape, boot_id, boot_monotonic_ms, claimed_ms, claimed_zone, first_received_ms, last_received_ms, end_frame, segment_count, highest_sequence, final_sequence," +
  " told_sequence, told_open";

/** From version 1, whose recordings had stream 0 alone, to 2. */
const STREAMS_OF_THEIR_OWN = `
${STREAMS_TABLE}
INSERT INTO streams (recording, stream, kind, ${STREAM_COLUMNS}) SELECT key, 0, 1, ${STREAM_COLUMNS} FROM recordings;
ALTER TABLE recordings DROP COLUMN shape;
ALTER TABLE recordings DROP COLUMN boot_id;
ALTER TABLE recordings DROP COLUMN boot_monotonic_ms;
ALTER TABLE recordings DROP COLUMN claimed_ms;
ALTER TABLE recordings DROP COLUMN claimed_zone;
ALTER TABLE recordings DROP COLUMN last_received_ms;
ALTER TABLE recordings DROP COLUMN end_frame;
ALTER TABLE recordings DROP COLUMN segment_count;
ALTER TABLE recordings DROP COLUMN highest_sequence;
ALTER TABLE recordings DROP COLUMN final_sequence;
ALTER TABLE recordings DROP COLUMN told_sequence;
ALTER TABLE recordings DROP COLUMN told_open;
`;

/** From version 2, which knew no places of signed gaps, to 3. */
const STATEMENTS_AMONG_PACKAGES = `
ALTER TABLE packages ADD COLUMN kind INTEGER NOT NULL DEFAULT 1;
ALTER TABLE packages ADD COLUMN hash BLOB;
`;

/** What brings a catalog from version n to n + 1, at place n - 1. Run as one transaction, before {@link CATALOG_TABLES}. */
export const UPGRADES: readonly string[] = [STREAMS_OF_THEIR_OWN, STATEMENTS_AMONG_PACKAGES];

/** Version of the tables. An older catalog is brought up to date, a newer one refused. */
export const CATALOG_VERSION = UPGRADES.length + 1;
