/** Name of the key store's file in each folder. */
export const KEY_STORE_FILE = "keys.sqlite";

/** Version of the schema. An older store is brought to it when it is opened (migrate.ts); a newer one is refused. */
export const KEY_STORE_VERSION = 4;

/** Added by version 2. One row: the key of the factory's master sequence. Source: docs/format.md §12.1. */
export const MASTER_SEQUENCE_TABLE = `
CREATE TABLE master_sequence (
  id TEXT PRIMARY KEY,
  sealed_key BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
`;

/** Added by version 2. The life of each terminal's keys. Source: docs/format.md §12.2. */
export const KEY_LIFE_TABLES = `
CREATE TABLE key_marks (
  terminal TEXT NOT NULL REFERENCES terminals (serial),
  day INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  cycle INTEGER NOT NULL,
  key_index INTEGER NOT NULL,
  use INTEGER NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (terminal, day)
) STRICT;
CREATE TABLE key_changes (
  terminal TEXT NOT NULL REFERENCES terminals (serial),
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  maximum INTEGER NOT NULL,
  offer BLOB NOT NULL,
  sealed_secret BLOB,
  answer_hash BLOB,
  key_order BLOB,
  from_cycle INTEGER,
  from_index INTEGER,
  from_use INTEGER,
  taken_cycle INTEGER,
  taken_index INTEGER,
  taken_use INTEGER,
  code TEXT,
  begun_ms INTEGER NOT NULL,
  ordered_ms INTEGER,
  ended_ms INTEGER,
  PRIMARY KEY (terminal, version)
) STRICT;
CREATE TABLE key_alarms (
  id INTEGER PRIMARY KEY,
  terminal TEXT NOT NULL REFERENCES terminals (serial),
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX key_alarms_by_terminal ON key_alarms (terminal, id);
`;

/** Added by version 2. Keys of suite paper-2018. Source: docs/format-paper-2018.md §8. */
export const PAPER_TABLES = `
CREATE TABLE paper_tenants (
  tenant TEXT PRIMARY KEY REFERENCES tenants (id),
  public_key BLOB NOT NULL,
  sealed_private BLOB NOT NULL
) STRICT;
CREATE TABLE paper_terminals (
  serial TEXT PRIMARY KEY REFERENCES terminals (serial),
  envelope_public BLOB NOT NULL
) STRICT;
`;

/** Added by version 2. Key blocks that come from a factory on another machine. Source: docs/format.md §12.7. */
export const TRANSFER_TABLES = `
CREATE TABLE intakes (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  number INTEGER NOT NULL UNIQUE,
  public_key BLOB NOT NULL,
  sealed_private BLOB NOT NULL,
  factory_public BLOB,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE imports (
  id INTEGER PRIMARY KEY,
  intake TEXT NOT NULL REFERENCES intakes (id),
  transfer INTEGER NOT NULL,
  hash BLOB NOT NULL,
  added INTEGER NOT NULL,
  known INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE joined_intake (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  number INTEGER NOT NULL,
  intake_public BLOB NOT NULL,
  root_public BLOB NOT NULL,
  hpke_statement BLOB NOT NULL,
  receipt_statement BLOB NOT NULL,
  factory_public BLOB NOT NULL,
  sealed_factory BLOB NOT NULL,
  joined_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE deployment_proofs (
  serial TEXT PRIMARY KEY REFERENCES terminals (serial),
  challenge BLOB NOT NULL,
  answer BLOB NOT NULL,
  transfer INTEGER
) STRICT;
`;

/** Added by version 3. Erasures, what forbids them and what asks for them. Source: docs/format.md §12.8. */
export const ERASURE_TABLES = `
CREATE TABLE erasures (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  patient TEXT REFERENCES patients (id),
  reason TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX erasures_by_patient ON erasures (patient);
CREATE TABLE tombstones (
  recording TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,
  erasure TEXT NOT NULL REFERENCES erasures (id),
  tenant TEXT NOT NULL REFERENCES tenants (id),
  terminal TEXT NOT NULL REFERENCES terminals (serial)
) STRICT;
CREATE INDEX tombstones_by_erasure ON tombstones (erasure);
CREATE TABLE legal_holds (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  patient TEXT REFERENCES patients (id),
  recording TEXT,
  reason TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_ms INTEGER NOT NULL,
  lifted_by TEXT,
  lifted_reason TEXT,
  lifted_ms INTEGER
) STRICT;
CREATE TABLE retention (
  tenant TEXT NOT NULL REFERENCES tenants (id),
  data_type TEXT NOT NULL,
  days INTEGER NOT NULL,
  PRIMARY KEY (tenant, data_type)
) STRICT;
`;

/**
 * The key store. Columns named `sealed_…` hold blobs under the key that docs/keys.md names; ids are text in hexadecimal.
 *
 * Source: docs/format.md §12.
 */
export const KEY_STORE_SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO meta (name, value) VALUES ('version', '${KEY_STORE_VERSION}');
CREATE TABLE server_keys (
  key_id TEXT PRIMARY KEY,
  purpose TEXT NOT NULL,
  version INTEGER NOT NULL,
  public_key BLOB NOT NULL,
  sealed_private BLOB NOT NULL,
  statement BLOB NOT NULL,
  not_before_ms INTEGER NOT NULL,
  not_after_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  synthetic INTEGER NOT NULL,
  sealed_key BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE patients (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  sealed_key BLOB NOT NULL,
  sealed_name BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE terminals (
  serial TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  suite INTEGER NOT NULL,
  routing TEXT NOT NULL UNIQUE,
  block_index INTEGER NOT NULL UNIQUE,
  sealed_block BLOB NOT NULL,
  state TEXT NOT NULL,
  sign_public BLOB,
  agree_public BLOB,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE assignments (
  id INTEGER PRIMARY KEY,
  terminal TEXT NOT NULL REFERENCES terminals (serial),
  patient TEXT REFERENCES patients (id),
  from_ms INTEGER NOT NULL,
  to_ms INTEGER,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX assignments_by_terminal ON assignments (terminal, from_ms);
CREATE TABLE recordings (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  terminal TEXT NOT NULL REFERENCES terminals (serial),
  patient TEXT REFERENCES patients (id),
  sealed_key BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_by_patient ON recordings (patient);
CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  role TEXT NOT NULL
) STRICT;
CREATE TABLE sign_in_links (
  token_hash BLOB PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts (id),
  expires_at_ms INTEGER NOT NULL,
  used_at_ms INTEGER
) STRICT;
${MASTER_SEQUENCE_TABLE}${KEY_LIFE_TABLES}${PAPER_TABLES}${TRANSFER_TABLES}${ERASURE_TABLES}`;
