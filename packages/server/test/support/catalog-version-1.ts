/** Tables of a catalog of version 1, as Pericard 0.1 made them: its recordings had one stream. */
export const CATALOG_VERSION_1 = `
PRAGMA user_version = 1;
CREATE TABLE recordings (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  terminal TEXT NOT NULL,
  patient TEXT,
  shape TEXT NOT NULL,
  boot_id TEXT,
  boot_monotonic_ms INTEGER,
  claimed_ms INTEGER,
  claimed_zone INTEGER,
  predecessor TEXT,
  predecessor_cause TEXT,
  first_received_ms INTEGER NOT NULL,
  last_received_ms INTEGER NOT NULL,
  end_frame INTEGER NOT NULL,
  segment_count INTEGER NOT NULL,
  highest_sequence INTEGER NOT NULL,
  final_sequence INTEGER,
  told_sequence INTEGER,
  told_open INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX recordings_by_patient ON recordings (patient, first_received_ms);
CREATE INDEX recordings_by_predecessor ON recordings (predecessor);
CREATE TABLE packages (
  key INTEGER PRIMARY KEY,
  recording INTEGER NOT NULL
) STRICT;
CREATE TABLE copies (
  volume TEXT NOT NULL,
  file INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  size INTEGER NOT NULL,
  package INTEGER NOT NULL,
  PRIMARY KEY (package, volume)
) STRICT, WITHOUT ROWID;
CREATE TABLE segments (
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
CREATE TABLE gaps (
  recording TEXT NOT NULL,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  cause TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE summaries (
  recording INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  suspect INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (recording, stream, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE boots (
  terminal TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  offset_ms INTEGER NOT NULL,
  PRIMARY KEY (terminal, boot_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE terminal_status (
  terminal TEXT PRIMARY KEY,
  contact INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  status TEXT NOT NULL
) STRICT;
CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY,
  account TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS key_uses (
  terminal TEXT NOT NULL,
  cycle INTEGER NOT NULL,
  key_index INTEGER NOT NULL,
  run INTEGER NOT NULL,
  bits BLOB NOT NULL,
  PRIMARY KEY (terminal, cycle, key_index, run)
) STRICT, WITHOUT ROWID;
`;
