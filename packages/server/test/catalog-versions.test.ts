/** Catalogs of other versions: an older one is brought up to date with all that it holds, a newer one is left alone. */
import { BootId, PatientId, RecordingId, TenantId, TerminalId } from "@pericard/protocol";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasCatalog, openSqliteCatalog } from "../src/catalog/sqlite/sqlite-catalog.ts";
import { CATALOG_VERSION_1 } from "./support/catalog-version-1.ts";
import { PLAIN_SHAPE } from "./support/test-recording.ts";

const RECORDING = RecordingId.parse("0a".repeat(16));
const LATER = RecordingId.parse("0b".repeat(16));
const TENANT = TenantId.parse("0c".repeat(16));
const PATIENT = PatientId.parse("0d".repeat(16));
const TERMINAL = TerminalId.parse("0e".repeat(6));
const BOOT = BootId.parse("0f".repeat(8));
const bytes = (value: number, length = 32): Uint8Array => new Uint8Array(length).fill(value);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pericard-catalog-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(fill: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(folder, "catalog.sqlite"));
  fill(database);
  database.close();
}

/** Two recordings, the second without a word of its terminal, and one row at least in every other table. */
function fillVersion1(database: DatabaseSync): void {
  const row = (table: string, ...values: (string | number | null | Uint8Array)[]): void => {
    database.prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  };
  const shape = JSON.stringify(PLAIN_SHAPE);
  database.exec(CATALOG_VERSION_1);
  row(
    "recordings",
    7,
    RECORDING,
    TENANT,
    TERMINAL,
    PATIENT,
    shape,
    BOOT,
    500,
    null,
    null,
    null,
    null,
    1000,
    3000,
    250,
    2,
    1,
    1,
    1,
    0,
  );
  row(
    "recordings",
    9,
    LATER,
    TENANT,
    TERMINAL,
    null,
    shape,
    null,
    null,
    77,
    60,
    RECORDING,
    "restart",
    4000,
    4000,
    50,
    1,
    2,
    null,
    null,
    1,
  );
  row("packages", 3, 7);
  row("copies", "volume", 1, 2, 300, 3);
  row("segments", 7, 0, 0, bytes(1), null, 0, 0, 125, 10, 0, 0, 5, 0, 1000, 3, 0);
  row("segments", 7, 0, 1, bytes(2), bytes(1), 1, 125, 125, 10, 0, 0, 6, 0, 3000, 3, 1);
  row("segments", 9, 0, 2, bytes(4), bytes(3), 0, 25, 25, 10, 0, 0, 8, 0, 4000, 3, 0);
  row("gaps", LATER, 0, 0, "unreadable", bytes(8));
  row("summaries", 7, 0, 0, 1, bytes(9, 40));
  row("boots", TERMINAL, BOOT, 10_000);
  row("terminal_status", TERMINAL, 5, 2000, "{}");
  row("sessions", bytes(5), "account", 9000);
  row("audit", 1, 100, "somebody", "read samples", "x", "allowed", bytes(6));
  row("key_uses", TERMINAL, 0, 0, 0, bytes(0xe0));
}

describe("a catalog of version 1", () => {
  beforeEach(() => write(fillVersion1));

  test("keeps audit trail, sessions and everything else", () => {
    expect(hasCatalog(folder)).toBe(true);
    const catalog = openSqliteCatalog(folder);
    expect(catalog.countAudit()).toBe(1);
    expect(catalog.findSession(bytes(5), 0)).toEqual({ account: "account", expiresAtUnixMs: 9000 });
    expect(catalog.listStatus(null, 9)).toEqual([{ terminal: TERMINAL, receivedAtUnixMs: 2000, statusJson: "{}" }]);
    expect(catalog.findRecording(RECORDING)).toMatchObject({
      patient: PATIENT,
      start: { unixMs: 10_500, certainty: "measured" },
      firstReceivedUnixMs: 1000,
      lastReceivedUnixMs: 3000,
      streams: [
        {
          stream: 0,
          kind: 1,
          shape: JSON.stringify(PLAIN_SHAPE),
          endFrame: 250,
          segmentCount: 2,
          highestSequence: 1,
          finalSequence: 1,
          toldSequence: 1,
          toldOpen: false,
        },
      ],
      successor: { recording: LATER, cause: "restart" },
    });
    const [stream] = catalog.findRecording(LATER)?.streams ?? [];
    expect(stream).toMatchObject({ finalSequence: null, toldSequence: null, toldOpen: true, lastReceivedUnixMs: 4000 });
    const copies = [{ volumeId: "volume", fileNumber: 1, offsetBytes: 2, sizeBytes: 300 }];
    expect(catalog.findPlacement(7, 0, 1)).toMatchObject({ final: true, item: 1, copies });
    expect(catalog.findSummaries(7, 0, 0, 9)).toHaveLength(1);
    expect(catalog.findUnsummarised(9).segments).toHaveLength(2);
    expect(catalog.findMissing(9, 0)).toEqual([{ fromFrame: 0, toFrame: 25, cause: "pending", sequenceCount: 1 }]);
    catalog.close();
  });

  test("is brought up to date once, and opens again", () => {
    openSqliteCatalog(folder).close();
    expect(hasCatalog(folder)).toBe(true);
    const catalog = openSqliteCatalog(folder);
    expect(catalog.findRecording(RECORDING)?.streams).toHaveLength(1);
    catalog.close();
  });

  test("stays as it was when it cannot be brought up to date", () => {
    write((database) => database.exec("CREATE VIEW uses_shape AS SELECT shape FROM recordings"));
    expect(() => openSqliteCatalog(folder)).toThrow("uses_shape");
    write((database) => {
      expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 1 });
      expect(database.prepare("SELECT end_frame FROM recordings WHERE key = 7").get()).toEqual({ end_frame: 250 });
      database.exec("DROP VIEW uses_shape");
    });
    openSqliteCatalog(folder).close();
  });
});

test("a catalog that a newer Pericard wrote is refused, not rebuilt", () => {
  openSqliteCatalog(folder).close();
  write((database) => database.exec("PRAGMA user_version = 99"));
  expect(() => hasCatalog(folder)).toThrow(expect.objectContaining({ code: "ERR_CATALOG_VERSION" }));
});
