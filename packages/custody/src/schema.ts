/** Name of the key store's file in each folder. */
export const KEY_STORE_FILE = "keys.sqlite";

/** Version of the schema; a store of another one is refused. */
export const KEY_STORE_VERSION = 1;

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
`;
