/** The catalog in one SQLite file. Runs in a thread of its own: every call waits for the disk. */
import { sha256 } from "@pericard/crypto";
import { encodeCbor, PatientId, RecordingId, TerminalId, type BootId, type PackageItem } from "@pericard/protocol";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ServerError } from "../errors.ts";
import type { Copy } from "../volumes/volume.ts";
import type {
  AuditEntry,
  CatalogMethods,
  GapRow,
  ItemOutcome,
  RecordingChain,
  RecordingRow,
  SegmentPlacement,
  SegmentRow,
  StatusRow,
  StoredPackage,
  SummaryRow,
} from "./catalog.ts";
import { noteUses } from "./key-uses.ts";
import { findMissingRows } from "./missing.ts";
import { recordingRow, segmentRow, type SqlRow } from "./rows.ts";
import { CATALOG_FILE, CATALOG_SCHEMA, CATALOG_VERSION, KEY_USES_TABLE } from "./schema.ts";

/** Whether a folder has a catalog of this version that opens. */
export function hasCatalog(folderPath: string): boolean {
  const path = join(folderPath, CATALOG_FILE);
  if (!existsSync(path)) return false;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
    const check = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    database.close();
    return version === CATALOG_VERSION && check === "ok";
  } catch {
    return false;
  }
}

/** Entries of the audit trail of a stopped server's catalog. */
export function countAuditEntries(dataPath: string): number {
  const database = new DatabaseSync(join(dataPath, "catalog", CATALOG_FILE), { readOnly: true });
  const count = Number(database.prepare("SELECT COUNT(*) AS n FROM audit").get()?.["n"]);
  database.close();
  return count;
}

function openDatabase(folderPath: string): DatabaseSync {
  const path = join(folderPath, CATALOG_FILE);
  const fresh = !existsSync(path);
  const database = new DatabaseSync(path, { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;");
  if (database.prepare("PRAGMA synchronous").get()?.["synchronous"] !== 2) {
    throw new ServerError("ERR_CATALOG_DAMAGED", "catalog is not in synchronous mode full");
  }
  if (fresh) database.exec(CATALOG_SCHEMA);
  database.exec(KEY_USES_TABLE);
  return database;
}

/** Opens the catalog of a folder, or makes an empty one. */
export function openSqliteCatalog(folderPath: string): CatalogMethods {
  const database = openDatabase(folderPath);
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const known = prepared.get(text);
    if (known) return known;
    const statement = database.prepare(text);
    prepared.set(text, statement);
    return statement;
  };
  const transact = <T>(work: () => T): T => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };

  // Writing

  function obtainRecording(stored: StoredPackage): number {
    const known = sql("SELECT key FROM recordings WHERE id = ?").get(stored.recording);
    if (known) return Number(known["key"]);
    const { boot, claimed, predecessor, shape } = stored.descriptor;
    const { lastInsertRowid } = sql(
      "INSERT INTO recordings (id, tenant, terminal, patient, shape, boot_id, boot_monotonic_ms, claimed_ms, claimed_zone," +
        " predecessor, predecessor_cause, first_received_ms, last_received_ms, end_frame, segment_count, highest_sequence)" +
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, -1)",
    ).run(
      stored.recording,
      stored.tenant,
      stored.terminal,
      stored.patient,
      JSON.stringify(shape),
      boot?.bootId ?? null,
      boot ? boot.monotonicMs - framesToMs(stored) : null,
      claimed ? claimed.unixMs - framesToMs(stored) : null,
      claimed?.zoneOffsetMinutes ?? null,
      predecessor?.recording ?? null,
      predecessor?.cause ?? null,
      stored.receivedAtUnixMs,
      stored.receivedAtUnixMs,
    );
    return Number(lastInsertRowid);
  }

  function storeItem(
    recordingKey: number,
    stored: StoredPackage,
    item: PackageItem,
    place: number,
    packageKey: number,
  ): ItemOutcome {
    const { changes } = sql(
      "INSERT OR IGNORE INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ).run(
      recordingKey,
      stored.stream,
      item.sequence,
      item.hash,
      item.prev,
      item.final ? 1 : 0,
      item.firstFrame,
      item.frameCount,
      item.sizeBytes,
      item.cycle,
      item.index,
      item.use,
      item.policyVersion,
      stored.receivedAtUnixMs,
      packageKey,
      place,
    );
    if (Number(changes) === 1) return "stored";
    const there = sql("SELECT hash FROM segments WHERE recording = ? AND stream = ? AND sequence = ?").get(
      recordingKey,
      stored.stream,
      item.sequence,
    );
    return Buffer.compare(there?.["hash"] as Uint8Array, item.hash) === 0 ? "duplicate" : "conflict";
  }

  function storeCopies(packageKey: number, copies: readonly Copy[]): void {
    for (const copy of copies) {
      sql("INSERT OR IGNORE INTO copies VALUES (?, ?, ?, ?, ?)").run(
        copy.volumeId,
        copy.fileNumber,
        copy.offsetBytes,
        copy.sizeBytes,
        packageKey,
      );
    }
  }

  function rebuildPackage(stored: StoredPackage & { readonly commitment: Uint8Array }): void {
    const known = sql("SELECT package FROM rebuilt WHERE commitment = ?").get(stored.commitment);
    if (known) return storeCopies(Number(known["package"]), stored.copies);
    storePackage(stored);
    const packageKey = Number(sql("SELECT MAX(key) AS k FROM packages").get()?.["k"]);
    sql("INSERT INTO rebuilt VALUES (?, ?)").run(stored.commitment, packageKey);
    return undefined;
  }

  function storePackage(stored: StoredPackage): readonly ItemOutcome[] {
    const recordingKey = obtainRecording(stored);
    const packageKey = Number(sql("INSERT INTO packages (recording) VALUES (?)").run(recordingKey).lastInsertRowid);
    storeCopies(packageKey, stored.copies);
    const outcomes = stored.items.map((item, place) => storeItem(recordingKey, stored, item, place, packageKey));
    updateRecording(recordingKey, stored, outcomes);
    return withReused(stored, outcomes);
  }

  /** Tells of the stored items whose use had sealed another segment. */
  function withReused(stored: StoredPackage, outcomes: readonly ItemOutcome[]): readonly ItemOutcome[] {
    const places = outcomes.flatMap((outcome, place) => (outcome === "stored" ? [place] : []));
    const known = noteUses(
      sql,
      stored.terminal,
      places.map((place) => stored.items[place] as PackageItem),
    );
    return outcomes.map((outcome, place) => (known[places.indexOf(place)] ? "reused" : outcome));
  }

  function updateRecording(recordingKey: number, stored: StoredPackage, outcomes: readonly ItemOutcome[]): void {
    const added = stored.items.filter((_, i) => outcomes[i] === "stored");
    if (added.length === 0) return;
    sql(
      "UPDATE recordings SET segment_count = segment_count + ?, end_frame = MAX(end_frame, ?)," +
        " highest_sequence = MAX(highest_sequence, ?), final_sequence = COALESCE(final_sequence, ?)," +
        " first_received_ms = MIN(first_received_ms, ?), last_received_ms = MAX(last_received_ms, ?) WHERE key = ?",
    ).run(
      added.length,
      Math.max(...added.map((item) => item.firstFrame + item.frameCount)),
      Math.max(...added.map((item) => item.sequence)),
      added.find((item) => item.final)?.sequence ?? null,
      stored.receivedAtUnixMs,
      stored.receivedAtUnixMs,
      recordingKey,
    );
    const first = stored.descriptor.predecessor;
    if (first) {
      sql("UPDATE recordings SET predecessor = ?, predecessor_cause = ? WHERE key = ? AND predecessor IS NULL").run(
        first.recording,
        first.cause,
        recordingKey,
      );
    }
  }

  function storeStatus(status: StatusRow): { readonly kept: boolean; readonly beforeJson: string | null } {
    const known = sql("SELECT contact, status FROM terminal_status WHERE terminal = ?").get(status.terminal);
    const beforeJson = known ? String(known["status"]) : null;
    if (known && Number(known["contact"]) >= status.contact) return { kept: false, beforeJson };
    sql(
      "INSERT INTO terminal_status VALUES (?, ?, ?, ?) ON CONFLICT (terminal) DO UPDATE SET" +
        " contact = excluded.contact, received_ms = excluded.received_ms, status = excluded.status",
    ).run(status.terminal, status.contact, status.receivedAtUnixMs, status.statusJson);
    sql(
      "INSERT INTO boots VALUES (?, ?, ?) ON CONFLICT (terminal, boot_id) DO UPDATE SET" +
        " offset_ms = MIN(offset_ms, excluded.offset_ms)",
    ).run(status.terminal, status.bootId, status.bootOffsetMs);
    for (const head of status.heads) {
      sql(
        "UPDATE recordings SET told_sequence = MAX(COALESCE(told_sequence, -1), ?), told_open = ? WHERE id = ? AND terminal = ?",
      ).run(head.sequence, head.open ? 1 : 0, head.recording, status.terminal);
    }
    return { kept: true, beforeJson };
  }

  /** Each entry's hash covers the one before: it finds accidents and careless edits, not an operator who recomputes it. */
  function appendAuditEntry(entry: AuditEntry): number {
    const last = sql("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").get();
    const previous = (last?.["hash"] as Uint8Array | undefined) ?? new Uint8Array(32);
    const number = Number(last?.["number"] ?? 0) + 1;
    const { atUnixMs, actor, action, subject, outcome } = entry;
    const hash = sha256(encodeCbor([previous, number, atUnixMs, actor, action, subject, outcome]));
    sql("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)").run(number, atUnixMs, actor, action, subject, outcome, hash);
    return number;
  }

  // Reading

  function findChain(recording: RecordingId, stream: number, from: number, to: number): RecordingChain | null {
    const row = sql("SELECT key, shape, highest_sequence, final_sequence FROM recordings WHERE id = ?").get(recording);
    if (!row) return null;
    const key = Number(row["key"]);
    const rows = sql(
      "SELECT * FROM segments WHERE recording = ?1 AND stream = ?2" +
        " AND sequence >= COALESCE((SELECT MAX(sequence) FROM segments WHERE recording = ?1 AND stream = ?2 AND sequence < ?3), ?3)" +
        " AND sequence <= COALESCE((SELECT MIN(sequence) FROM segments WHERE recording = ?1 AND stream = ?2 AND sequence > ?4), ?4)",
    ).all(key, stream, from, to);
    return {
      shape: String(row["shape"]),
      highestSequence: Number(row["highest_sequence"]),
      finalSequence: row["final_sequence"] === null ? null : Number(row["final_sequence"]),
      rows: rows.map((segment): SegmentRow => segmentRow(segment)),
    };
  }

  const RECORDING_COLUMNS =
    "SELECT r.*, b.offset_ms, s.id AS successor, s.predecessor_cause AS successor_cause FROM recordings r" +
    " LEFT JOIN boots b ON b.terminal = r.terminal AND b.boot_id = r.boot_id" +
    " LEFT JOIN recordings s ON s.key = (SELECT MIN(n.key) FROM recordings n" +
    " WHERE n.predecessor = r.id AND n.terminal = r.terminal)";

  function copiesOf(packageKey: number): readonly Copy[] {
    return sql("SELECT * FROM copies WHERE package = ?")
      .all(packageKey)
      .map((row) => ({
        volumeId: String(row["volume"]),
        fileNumber: Number(row["file"]),
        offsetBytes: Number(row["offset"]),
        sizeBytes: Number(row["size"]),
      }));
  }

  function placement(row: SqlRow): SegmentPlacement {
    return { ...segmentRow(row), item: Number(row["item"]), copies: copiesOf(Number(row["package"])) };
  }

  return {
    storePackages: (packages) => transact(() => packages.map(storePackage)),
    rebuildPackages: (packages) => {
      database.exec("CREATE TABLE IF NOT EXISTS rebuilt (commitment BLOB PRIMARY KEY, package INTEGER) WITHOUT ROWID");
      transact(() => {
        for (const stored of packages) rebuildPackage(stored);
      });
    },
    endRebuild: () => database.exec("DROP TABLE IF EXISTS rebuilt"),
    findChain,
    storeGap: (gap: GapRow) =>
      void sql("INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?)").run(
        gap.recording,
        gap.stream,
        gap.sequence,
        gap.cause,
        gap.hash,
      ),
    findGapHash: (recording, stream, sequence) => {
      const row = sql("SELECT hash FROM gaps WHERE recording = ? AND stream = ? AND sequence = ?").get(
        recording,
        stream,
        sequence,
      );
      return (row?.["hash"] as Uint8Array | undefined) ?? null;
    },
    storeStatus: (status) => transact(() => storeStatus(status)),
    findBootOffset: (terminal: TerminalId, bootId: BootId) => {
      const row = sql("SELECT offset_ms FROM boots WHERE terminal = ? AND boot_id = ?").get(terminal, bootId);
      return row ? Number(row["offset_ms"]) : null;
    },
    listRecordings: (tenant, patient) =>
      sql(`${RECORDING_COLUMNS} WHERE r.tenant = ? AND r.patient = ? ORDER BY r.first_received_ms DESC, r.key DESC`)
        .all(tenant, patient)
        .map((row): RecordingRow => recordingRow(row)),
    summarisePatients: (tenant) =>
      sql(
        "SELECT patient, COUNT(*) AS n, MAX(last_received_ms) AS latest FROM recordings" +
          " WHERE tenant = ? AND patient IS NOT NULL GROUP BY patient",
      )
        .all(tenant)
        .map((row) => ({
          patient: PatientId.parse(String(row["patient"])),
          recordingCount: Number(row["n"]),
          latestReceivedUnixMs: Number(row["latest"]),
        })),
    findRecording: (recording) => {
      const row = sql(`${RECORDING_COLUMNS} WHERE r.id = ?`).get(recording);
      return row ? recordingRow(row) : null;
    },
    findSegments: (recordingKey, fromFrame, toFrame, limit) =>
      sql(
        "SELECT * FROM segments WHERE recording = ? AND stream = 0 AND first_frame < ? AND first_frame + frame_count > ?" +
          " ORDER BY sequence LIMIT ?",
      )
        .all(recordingKey, toFrame, fromFrame, limit)
        .map(placement),
    findPlacement: (recordingKey, sequence) => {
      const row = sql("SELECT * FROM segments WHERE recording = ? AND stream = 0 AND sequence = ?").get(
        recordingKey,
        sequence,
      );
      return row ? placement(row) : null;
    },
    findMissing: (recordingKey) => findMissingRows(sql, recordingKey),
    storeSummaries: (recordingKey, rows) =>
      transact(() => {
        for (const row of rows) {
          sql("INSERT OR REPLACE INTO summaries VALUES (?, 0, ?, ?, ?)").run(
            recordingKey,
            row.sequence,
            row.suspect ? 1 : 0,
            row.sealed,
          );
        }
      }),
    findSummaries: (recordingKey, from, to) =>
      sql("SELECT * FROM summaries WHERE recording = ? AND stream = 0 AND sequence BETWEEN ? AND ? ORDER BY sequence")
        .all(recordingKey, from, to)
        .map((row): SummaryRow => ({
          sequence: Number(row["sequence"]),
          suspect: row["suspect"] === 1,
          sealed: row["sealed"] as Uint8Array,
        })),
    findUnsummarised: (limit) =>
      sql(
        "SELECT r.id, s.sequence FROM segments s JOIN recordings r ON r.key = s.recording" +
          " LEFT JOIN summaries u ON u.recording = s.recording AND u.stream = s.stream AND u.sequence = s.sequence" +
          " WHERE u.sequence IS NULL AND s.stream = 0 LIMIT ?",
      )
        .all(limit)
        .map((row) => ({ recording: RecordingId.parse(String(row["id"])), sequence: Number(row["sequence"]) })),
    appendAudit: (entries) => transact(() => entries.map(appendAuditEntry)),
    countAudit: () => Number(sql("SELECT COALESCE(MAX(number), 0) AS n FROM audit").get()?.["n"]),
    storeSession: (tokenHash, account, expiresAtUnixMs, nowUnixMs) =>
      transact(() => {
        sql("DELETE FROM sessions WHERE expires_ms <= ?").run(nowUnixMs);
        sql("INSERT INTO sessions VALUES (?, ?, ?)").run(tokenHash, account, expiresAtUnixMs);
      }),
    findSession: (tokenHash, nowUnixMs) => {
      const row = sql("SELECT * FROM sessions WHERE token_hash = ? AND expires_ms > ?").get(tokenHash, nowUnixMs);
      return row ? { account: String(row["account"]), expiresAtUnixMs: Number(row["expires_ms"]) } : null;
    },
    removeSession: (tokenHash) => void sql("DELETE FROM sessions WHERE token_hash = ?").run(tokenHash),
    listStatus: () =>
      sql("SELECT * FROM terminal_status ORDER BY terminal")
        .all()
        .map((row) => ({
          terminal: TerminalId.parse(String(row["terminal"])),
          receivedAtUnixMs: Number(row["received_ms"]),
          statusJson: String(row["status"]),
        })),
    close: () => database.close(),
  };
}

/** Milliseconds from a recording's start to the first frame of a package's first item. */
function framesToMs({ descriptor: { firstFrame, shape } }: StoredPackage): number {
  return Math.round((firstFrame * 1000 * shape.frameRateHz.den) / shape.frameRateHz.num);
}
