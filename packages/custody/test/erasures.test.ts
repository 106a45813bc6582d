/** Erasure: what is overwritten, what stays forbidden, what blocks it. */
import { systemRandom } from "@pericard/crypto";
import { ErasureId, PatientId, RecordingId, TerminalId } from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ErasureOrder, Patient, Tenant, Terminal } from "../src/entities.ts";
import { KeyStore } from "../src/key-store.ts";
import { KEY_STORE_FILE } from "../src/schema.ts";
import { bytesIn, contentsOf, copyFolders, imageOf } from "./support/folders.ts";

let folders: readonly string[];
let kek: Uint8Array;
let store: KeyStore;
let tenant: Tenant;
let terminal: Terminal;
let patient: Patient;

const order: ErasureOrder = { reason: "asked for", by: "operator", atUnixMs: 9000 };

beforeEach(() => {
  folders = copyFolders(2);
  kek = systemRandom(32);
  store = KeyStore.create(folders, kek, 1000, systemRandom).store;
  tenant = store.addTenant("Tenant", false, 1000);
  const { serial } = store.allocateTerminal(tenant.id, systemRandom(960), 1000);
  terminal = store.activateTerminal(serial, systemRandom(32), systemRandom(32));
  patient = store.addPatient(tenant.id, "Ada", 1000);
  store.assign(serial, patient.id, 1000, "first");
});
afterEach(() => store.close());

const drawRecording = (of: PatientId | null = patient.id): RecordingId => {
  const recording = RecordingId.fromBytes(systemRandom(16));
  store.obtainRecordingKey(recording, terminal.serial, of, 2000);
  return recording;
};

/** What a thief of one copy's file reads of a row's sealed column. */
function sealedColumn(table: string, column: string, id: string): Uint8Array {
  const database = new DatabaseSync(join(folders[0] ?? "", KEY_STORE_FILE), { readOnly: true });
  const value = database.prepare(`SELECT ${column} AS v FROM ${table} WHERE id = ?`).get(id)?.["v"];
  database.close();
  return value as Uint8Array;
}

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe("a patient who is erased", () => {
  test("leaves no wrapped key and no name in any file of any copy", () => {
    const recordings = [drawRecording(), drawRecording()];
    const sealed = [
      sealedColumn("patients", "sealed_key", patient.id),
      sealedColumn("patients", "sealed_name", patient.id),
      ...recordings.map((recording) => sealedColumn("recordings", "sealed_key", recording)),
    ];
    for (const folder of folders) for (const bytes of sealed) expect(bytesIn(folder).includes(bytes)).toBe(true);
    const erasure = store.erasePatient(patient.id, order);
    for (const folder of folders) for (const bytes of sealed) expect(bytesIn(folder).includes(bytes)).toBe(false);
    expect(erasure).toMatchObject({ ...order, tenant: tenant.id, patient: patient.id });
    expect(erasure.tombstones.map(({ recording }) => recording).toSorted()).toEqual(recordings.toSorted());
    expect(erasure.tombstones.map(({ number }) => number)).toEqual([9000, 9001]);
    expect(store.patients(tenant.id)).toEqual([]);
    for (const recording of recordings) expect(store.findRecordingKey(recording)).toBeUndefined();
    expect(store.recordingKeys()).toEqual([]);
    expect(contentsOf(join(folders[0] ?? "", KEY_STORE_FILE))).toBe(contentsOf(join(folders[1] ?? "", KEY_STORE_FILE)));
  });

  test("gets no key again: neither for an erased recording nor for one that comes only now", () => {
    const recording = drawRecording();
    const { id } = store.erasePatient(patient.id, order);
    const late = RecordingId.fromBytes(systemRandom(16));
    for (const one of [recording, late, late]) {
      for (const of of one === late ? [patient.id] : [patient.id, null]) {
        expect(codeOf(() => store.obtainRecordingKey(one, terminal.serial, of, 9500))).toBe("ERR_RECORDING_ERASED");
      }
    }
    expect(store.findTombstone(late)).toEqual({
      number: 9500,
      recording: late,
      erasure: id,
      tenant: tenant.id,
      terminal: terminal.serial,
      erasedAtUnixMs: 9000,
    });
    expect(store.tombstonesAfter(9000, 10).map((tombstone) => tombstone.recording)).toEqual([late]);
    expect(store.getErasure(id).tombstones).toHaveLength(2);
  });

  test("does not hold a terminal any more; what it records from then on is whose it is then", () => {
    store.erasePatient(patient.id, order);
    expect(store.patientAt(terminal.serial, 8999)).toBe(patient.id);
    expect(store.patientAt(terminal.serial, 9000)).toBeNull();
    const next = store.addPatient(tenant.id, "Ada", 9100);
    store.assign(terminal.serial, next.id, 9100, "next");
    expect(drawRecording(next.id)).toBeTypeOf("string");
    expect(codeOf(() => store.assign(terminal.serial, patient.id, 9200, "back"))).toBe("ERR_PATIENT_UNKNOWN");
  });

  test("is erased once; asked again, the same erasure answers, also after a restart", () => {
    drawRecording();
    const erasure = store.erasePatient(patient.id, order);
    expect(store.erasePatient(patient.id, { ...order, reason: "again", atUnixMs: 9999 })).toEqual(erasure);
    store.close();
    store = KeyStore.open(folders, kek, systemRandom);
    expect(store.getErasure(erasure.id)).toEqual(erasure);
    expect(store.erasures()).toHaveLength(1);
    expect(codeOf(() => store.getErasure(ErasureId.parse("00".repeat(16))))).toBe("ERR_ERASURE_UNKNOWN");
    expect(codeOf(() => store.erasePatient(PatientId.parse("00".repeat(16)), order))).toBe("ERR_PATIENT_UNKNOWN");
  });

  test("by one process is erased for another that has the store open", () => {
    const recording = drawRecording();
    const other = KeyStore.open(folders, kek, systemRandom);
    const version = other.dataVersion;
    store.erasePatient(patient.id, order);
    expect(other.dataVersion).not.toBe(version);
    expect(other.findRecordingKey(recording)).toBeUndefined();
    expect(codeOf(() => other.obtainRecordingKey(recording, terminal.serial, patient.id, 1))).toBe(
      "ERR_RECORDING_ERASED",
    );
    other.close();
  });
});

describe("a recording that is erased", () => {
  test("loses its key alone", () => {
    const [gone, kept] = [drawRecording(), drawRecording()];
    const nobodys = drawRecording(null);
    const erasure = store.eraseRecordings([gone, nobodys, gone], order);
    expect(erasure).toMatchObject({ patient: null, tenant: tenant.id });
    expect(erasure.tombstones.map(({ recording }) => recording)).toEqual([gone, nobodys]);
    expect(store.findRecordingKey(gone)).toBeUndefined();
    expect(store.findRecordingKey(kept)?.dataKey).toHaveLength(32);
    expect(store.patients(tenant.id)).toHaveLength(1);
    expect(store.eraseRecordings([gone], { ...order, reason: "again" })).toEqual(erasure);
  });

  test("must be there, and of one tenant with the others", () => {
    const other = store.addTenant("Other", false, 1000);
    const { serial } = store.allocateTerminal(other.id, systemRandom(960), 1000);
    store.activateTerminal(serial, systemRandom(32), systemRandom(32));
    const foreign = RecordingId.fromBytes(systemRandom(16));
    store.obtainRecordingKey(foreign, TerminalId.parse(serial), null, 1);
    const own = drawRecording();
    expect(codeOf(() => store.eraseRecordings([own, foreign], order))).toBe("ERR_RECORDING_UNKNOWN");
    const unknown = RecordingId.fromBytes(systemRandom(16));
    expect(codeOf(() => store.eraseRecordings([own, unknown], order))).toBe("ERR_RECORDING_UNKNOWN");
    expect(store.findRecordingKey(own)?.dataKey).toHaveLength(32);
  });
});

describe("a legal hold", () => {
  const hold = { reason: "court", by: "operator", atUnixMs: 3000 };

  test("of a patient forbids erasing the patient and every recording, until it is lifted", () => {
    const recording = drawRecording();
    const { id } = store.setHold({ ...hold, patient: patient.id, recording: null });
    expect(codeOf(() => store.erasePatient(patient.id, order))).toBe("ERR_LEGAL_HOLD");
    expect(codeOf(() => store.eraseRecordings([recording], order))).toBe("ERR_LEGAL_HOLD");
    expect(store.findRecordingKey(recording)?.dataKey).toHaveLength(32);
    const lifted = { reason: "over", by: "operator", atUnixMs: 4000 };
    expect(store.liftHold(id, lifted)).toMatchObject({ ...hold, tenant: tenant.id, lifted });
    store.liftHold(id, { ...lifted, atUnixMs: 5000 });
    expect(store.holds()).toMatchObject([{ id, lifted }]);
    expect(store.erasePatient(patient.id, order).tombstones).toHaveLength(1);
  });

  test("of a recording forbids erasing it and its patient, and nothing else", () => {
    const [held, other] = [drawRecording(), drawRecording()];
    store.setHold({ ...hold, patient: null, recording: held });
    expect(codeOf(() => store.erasePatient(patient.id, order))).toBe("ERR_LEGAL_HOLD");
    expect(codeOf(() => store.eraseRecordings([other, held], order))).toBe("ERR_LEGAL_HOLD");
    expect(store.eraseRecordings([other], order).tombstones).toHaveLength(1);
  });

  test("is of something that is there", () => {
    const unknown = RecordingId.fromBytes(systemRandom(16));
    expect(codeOf(() => store.setHold({ ...hold, patient: null, recording: unknown }))).toBe("ERR_RECORDING_UNKNOWN");
    store.erasePatient(patient.id, order);
    expect(codeOf(() => store.setHold({ ...hold, patient: patient.id, recording: null }))).toBe("ERR_PATIENT_UNKNOWN");
    expect(codeOf(() => store.liftHold("00", order))).toBe("ERR_HOLD_UNKNOWN");
  });
});

describe("a copy of the key store that was away", () => {
  test("is made equal to the one that saw the erasure, and has no key then", () => {
    const recording = drawRecording();
    const sealed = sealedColumn("recordings", "sealed_key", recording);
    store.close();
    const [, folder = ""] = folders;
    imageOf(folder, `${folder}-away`);
    store = KeyStore.open(folders, kek, systemRandom);
    store.erasePatient(patient.id, order);
    store.close();
    imageOf(`${folder}-away`, folder);
    expect(bytesIn(folder).includes(sealed)).toBe(true);
    // Somebody else has it open, so that its log does not go by itself when the last one closes it.
    const elsewhere = new DatabaseSync(join(folder, KEY_STORE_FILE));
    elsewhere.prepare("SELECT COUNT(*) AS n FROM recordings").get();
    store = KeyStore.open(folders, kek, systemRandom);
    expect(store.findRecordingKey(recording)).toBeUndefined();
    for (const copy of folders) expect(bytesIn(copy).includes(sealed)).toBe(false);
    elsewhere.close();
  });
});

describe("retention", () => {
  test("is by tenant and type of data; absent is for ever", () => {
    expect(store.retention()).toEqual([]);
    store.setRetention(tenant.id, "waveform", 30);
    store.setRetention(tenant.id, "waveform", 60);
    store.setRetention(tenant.id, "observation", 365);
    expect(store.retention()).toEqual([
      { tenant: tenant.id, type: "observation", days: 365 },
      { tenant: tenant.id, type: "waveform", days: 60 },
    ]);
    store.setRetention(tenant.id, "observation", null);
    expect(store.retention()).toHaveLength(1);
    expect(() => store.setRetention(tenant.id, "waveform", 0)).toThrow(RangeError);
  });
});
