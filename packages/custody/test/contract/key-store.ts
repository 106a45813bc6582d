/** The key store over any of its databases: all of it once, and what two servers do to it at the same time. */
import { systemRandom, type RandomSource } from "@pericard/crypto";
import { RecordingId } from "@pericard/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { KeyStore } from "../../src/key-store.ts";
import type { KeyStorePlace } from "../../src/key-store-place.ts";
import { RETIRED_HPKE_MS } from "../../src/server-identity.ts";

const BEGIN = 1_800_000_000_000;
const refuses = (code: string) => expect.objectContaining({ code });
const drawRecording = (): RecordingId => RecordingId.fromBytes(systemRandom(16));

const change = () => ({
  version: 1,
  maximum: 400,
  offer: systemRandom(9),
  secret: systemRandom(32),
  begunAtUnixMs: BEGIN,
});

/** The suite. `make` gives a place with nothing in it. */
export function keyStoreContract(make: () => KeyStorePlace): void {
  const opened: KeyStore[] = [];
  afterEach(() => {
    for (const store of opened.splice(0)) store.close();
  });

  /** A store with one tenant, one active terminal and one patient. */
  function set(random: RandomSource = systemRandom) {
    const place = make();
    const kek = systemRandom(32);
    const { store, root } = KeyStore.create(place, kek, BEGIN, random);
    opened.push(store);
    const tenant = store.addTenant("Tenant", true, BEGIN);
    const { serial } = store.allocateTerminal(tenant.id, systemRandom(960), BEGIN);
    store.activateTerminal(serial, systemRandom(32), systemRandom(32));
    const patient = store.addPatient(tenant.id, "Ada", BEGIN);
    const open = (key: Uint8Array = kek): KeyStore => {
      const other = KeyStore.open(place, key, systemRandom);
      opened.push(other);
      return other;
    };
    return { store, root, tenant, serial, patient, open };
  }

  /** The same, with somebody else who acts between what the store reads and what it then commits. */
  function setWithRival() {
    let act: (() => void) | undefined;
    const random: RandomSource = (size) => {
      const now = act;
      act = undefined;
      now?.();
      return systemRandom(size);
    };
    const made = set(random);
    const meanwhile = (rival: (other: KeyStore) => void): void => {
      const other = made.open();
      act = () => rival(other);
    };
    return { ...made, meanwhile };
  }

  describe("everything that is kept", () => {
    test("is the same for another server, and after opening again", () => {
      const { store, root, tenant, serial, patient, open } = set();
      store.assign(serial, patient.id, BEGIN + 1, "first");
      store.assign(serial, null, BEGIN + 2, "returned");
      const recording = store.obtainRecordingKey(drawRecording(), serial, patient.id, BEGIN + 3);
      store.obtainRecordingKey(drawRecording(), serial, null, BEGIN + 4);
      const mark = { cycle: 0, index: 3, use: 7, usedCount: 99, atUnixMs: BEGIN };
      store.markKeyUse(serial, mark);
      store.markKeyUse(serial, { ...mark, use: 8, usedCount: 100 });
      store.beginKeyChange(serial, {
        version: 1,
        maximum: 400,
        offer: systemRandom(40),
        secret: systemRandom(32),
        begunAtUnixMs: BEGIN,
      });
      for (let i = 0; i < 102; i += 1)
        store.addKeyAlarm(serial, { kind: "use", detail: String(i), atUnixMs: BEGIN + i });
      const account = store.addAccount(tenant.id, "Clinician", "clinician");
      const token = store.createSignInLink(account.id, BEGIN + 1000);
      const intake = store.intakes.create(tenant.id, BEGIN);
      store.identity.rotate(root, "hpke", BEGIN + 1);
      const view = (one: KeyStore) => ({
        tenants: one.tenants(),
        terminals: one.terminals(tenant.id),
        block: one.openBlock(serial),
        patients: one.patients(tenant.id),
        assignments: one.assignments(serial),
        at: one.patientAt(serial, BEGIN + 1),
        recordings: one.recordingKeys(),
        life: one.keyLife(serial),
        secret: one.openKeyChangeSecret(serial, 1),
        accounts: one.accounts(),
        intakes: one.intakes.list(),
        opened: one.intakes.openKey(intake).publicBytes,
        keys: [one.serverKeys("hpke"), one.serverKeys("receipt")],
        sequence: one.obtainSequenceKey(BEGIN),
        next: one.nextBlockIndex,
        secrets: [...one.intakes.secrets()],
        paper: one.getPaperTenant(tenant.id).publicDer,
      });
      const seen = view(store);
      expect(seen.life.alarms).toHaveLength(100);
      expect(seen.life.marks).toEqual([{ ...mark, use: 8, usedCount: 100 }]);
      expect(seen.keys.map((keys) => keys.length)).toEqual([2, 1]);
      expect(seen.secrets).toHaveLength(1);
      expect(seen.recordings.map(({ dataKey }) => dataKey)).toContainEqual(recording.dataKey);
      const other = open();
      expect(view(other)).toEqual(seen);
      expect(other.redeemSignInLink(token, BEGIN)).toEqual(account);
      expect(() => store.redeemSignInLink(token, BEGIN)).toThrow(refuses("ERR_SIGN_IN_LINK"));
      const next = systemRandom(32);
      // Three server keys, one tenant, the sequence.
      expect(store.rewrap(next)).toBe(5);
      expect(() => other.addPatient(tenant.id, "late", BEGIN)).toThrow();
      expect(view(open(next))).toEqual(seen);
    });

    test("of an erased patient is gone, what is held stays, and a purge leaves the rest", () => {
      const { store, serial, patient, tenant, open } = set();
      const order = { reason: "asked for", by: "operator", atUnixMs: BEGIN + 5 };
      const { recording } = store.obtainRecordingKey(drawRecording(), serial, patient.id, BEGIN);
      const kept = store.obtainRecordingKey(drawRecording(), serial, null, BEGIN);
      const erasure = store.erasePatient(patient.id, order);
      expect(erasure.tombstones.map((stone) => stone.recording)).toEqual([recording]);
      const other = open();
      expect(other.patients(tenant.id)).toEqual([]);
      expect(other.recordingKeys()).toEqual([kept]);
      expect(() => other.obtainRecordingKey(recording, serial, null, BEGIN)).toThrow(refuses("ERR_RECORDING_ERASED"));
    });

    test("of the server's keys goes its way: current, retired, destroyed", () => {
      const { store, root, open } = set();
      store.identity.rotate(root, "hpke", BEGIN + 1);
      store.identity.rotate(root, "receipt", BEGIN + 1);
      expect(open().identity.destroyRetired(BEGIN + 1 + RETIRED_HPKE_MS)).toHaveLength(1);
      expect(store.identity.records().map(({ state }) => state)).toEqual([
        "current",
        "destroyed",
        "current",
        "destroyed",
      ]);
    });
  });

  describe("two servers at once", () => {
    test("draw one key for a recording, and both have it", () => {
      const { store, serial, patient, meanwhile } = setWithRival();
      const id = drawRecording();
      let theirs: unknown;
      meanwhile((other) => {
        theirs = other.obtainRecordingKey(id, serial, patient.id, BEGIN);
      });
      const mine = store.obtainRecordingKey(id, serial, null, BEGIN + 1);
      expect(theirs).toBeDefined();
      expect(mine).toEqual(theirs);
      expect(store.recordingKeys()).toEqual([mine]);
    });

    test("draw one key for the master sequence", () => {
      const { store, meanwhile } = setWithRival();
      let theirs: unknown;
      meanwhile((other) => {
        theirs = other.obtainSequenceKey(BEGIN);
      });
      expect(store.obtainSequenceKey(BEGIN)).toEqual(theirs);
    });

    test("give a block to one terminal", () => {
      const { store, tenant, meanwhile } = setWithRival();
      const index = store.nextBlockIndex;
      meanwhile((other) => void other.allocateTerminals(tenant.id, [{ index, block: systemRandom(960) }], BEGIN));
      const block = { index, block: systemRandom(960) };
      expect(() => store.allocateTerminals(tenant.id, [block], BEGIN)).toThrow(refuses("ERR_SEQUENCE_INDEX"));
      expect(store.terminals(tenant.id)).toHaveLength(2);
    });

    test("give one patient a name", () => {
      const { store, tenant, meanwhile } = setWithRival();
      meanwhile((other) => void other.addPatient(tenant.id, "Grace", BEGIN));
      expect(() => store.addPatient(tenant.id, "Grace", BEGIN)).toThrow(refuses("ERR_PATIENT_EXISTS"));
      expect(
        store
          .patients(tenant.id)
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(["Ada", "Grace"]);
    });

    test("begin one key change of a version", () => {
      const { store, serial, meanwhile } = setWithRival();
      const theirs = change();
      meanwhile((other) => other.beginKeyChange(serial, theirs));
      expect(() => store.beginKeyChange(serial, change())).toThrow(refuses("ERR_KEY_CHANGE_VERSION"));
      expect(store.keyLife(serial).changes.map(({ offer }) => offer)).toEqual([theirs.offer]);
    });

    test("change the server's key once", () => {
      const { store, root, meanwhile } = setWithRival();
      meanwhile((other) => void other.identity.rotate(root, "hpke", BEGIN + 1));
      expect(() => store.identity.rotate(root, "hpke", BEGIN + 1)).toThrow(refuses("ERR_SERVER_KEY_VERSION"));
      expect(store.serverKeys("hpke").map(({ version }) => version)).toEqual([2, 1]);
    });

    test("number intakes one after the other", () => {
      const { store, tenant, meanwhile } = setWithRival();
      meanwhile((other) => void other.intakes.create(tenant.id, BEGIN));
      store.intakes.create(tenant.id, BEGIN);
      expect(store.intakes.list().map(({ factoryNumber }) => factoryNumber)).toEqual([1, 2]);
    });

    test("erase a patient whose recording the other just draws a key for: there is none then", () => {
      const { store, serial, patient, meanwhile } = setWithRival();
      const id = drawRecording();
      meanwhile((other) => void other.erasePatient(patient.id, { reason: "", by: "", atUnixMs: BEGIN }));
      expect(() => store.obtainRecordingKey(id, serial, patient.id, BEGIN)).toThrow(refuses("ERR_RECORDING_ERASED"));
      expect(store.recordingKeys()).toEqual([]);
    });

    test("notice each other's changes", () => {
      const { store, serial, open } = set();
      const before = store.dataVersion;
      store.addKeyAlarm(serial, { kind: "use", detail: "mine", atUnixMs: BEGIN });
      expect(store.dataVersion).toBe(before);
      open().quarantineTerminal(serial);
      expect(store.dataVersion).not.toBe(before);
    });
  });

  test("another key-encryption key opens nothing", () => {
    const { open, tenant } = set();
    const wrong = open(systemRandom(32));
    expect(() => wrong.serverKeys("hpke")).toThrow(refuses("ERR_SEAL_BROKEN"));
    expect(() => wrong.patients(tenant.id)).toThrow(refuses("ERR_SEAL_BROKEN"));
  });
}
