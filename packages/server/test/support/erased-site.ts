/** An installation of which one patient is erased, and everything that could show that patient's data again. */
import { openPackage } from "@pericard/crypto";
import { KeyStore, type Patient } from "@pericard/custody";
import { FrameLog, openDiskFolder } from "@pericard/framelog";
import { parsePackage, utf8, type RecordingId } from "@pericard/protocol";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { OperatorClient } from "../../src/client/operator-client.ts";
import type { CertificateFile } from "../../src/erasure/certificate.ts";
import { STORED_KIND, type StoredItem } from "../../src/volumes/volume.ts";
import { everySample, readAll, readerOf } from "./reading.ts";
import { PLAIN_SHAPE, TestRecording } from "./test-recording.ts";
import { TestInstallation } from "./test-server.ts";
import type { TestTerminal } from "./test-terminal.ts";

/** A patient with one recording that is stored. */
export interface Recorded {
  readonly patient: Patient;
  readonly terminal: TestTerminal;
  readonly recording: TestRecording;
  /** The envelope as it was sent: what a gateway's spool would send again. */
  readonly envelope: Uint8Array;
}

/** What a thief would look for. */
interface Secrets {
  readonly dataKey: Uint8Array;
  /** As they lie in the key store. */
  readonly wrapped: readonly Uint8Array[];
}

/** Two patients, of whom the first is going to be erased. Stopped. */
export class ErasedOrigin {
  readonly site: TestInstallation;
  readonly ada: Recorded;
  readonly bob: Recorded;
  readonly secrets: Secrets;

  private constructor(site: TestInstallation, ada: Recorded, bob: Recorded, secrets: Secrets) {
    this.site = site;
    this.ada = ada;
    this.bob = bob;
    this.secrets = secrets;
  }

  static async make(volumeCount = 2): Promise<ErasedOrigin> {
    const site = await new TestInstallation({ volumeCount }).start();
    const [ada, bob] = [await recordFor(site, "Ada"), await recordFor(site, "Bob")];
    const key = site.store.findRecordingKey(ada.recording.id);
    if (!key) throw new Error("recording has no key");
    const secrets = { dataKey: key.dataKey, wrapped: wrappedKeys(site, ada.patient.id, ada.recording.id) };
    await site.stop();
    return new ErasedOrigin(site, ada, bob, secrets);
  }

  /** A copy of the installation, not started. */
  copy(): TestInstallation {
    const { volumePaths } = this.site.config;
    return new TestInstallation({ volumeCount: volumePaths.length }, this.site);
  }

  /** Erases the first patient through the operator's socket. */
  erase(site: TestInstallation): Promise<CertificateFile> {
    const body = { patient: this.ada.patient.id, reason: "the patient asked for it" };
    return new OperatorClient(site.config.dataPath).send("POST", "/v1/erasures", body);
  }

  /** Nobody is shown anything of the first patient; the second one's recording is whole. */
  async expectNothingShown(site: TestInstallation): Promise<void> {
    const client = await readerOf(site);
    const { ada, bob } = this;
    const patients = await client.patients();
    expect(patients.map(({ name }) => name)).toEqual(["Bob"]);
    const none = "404 ERR_NOT_FOUND";
    await expect(client.recording(ada.recording.id)).rejects.toThrow(none);
    await expect(readAll(client, ada.recording)).rejects.toThrow(none);
    await expect(client.recordings(ada.patient.id)).rejects.toThrow(none);
    expect(await readAll(client, bob.recording)).toEqual(everySample(bob.recording));
  }

  /** No file has a sample, a key or the name; no key of the key store opens a package of the erased recording. */
  expectNothingOpens(site: TestInstallation): void {
    expect(whatIsIn(site.root, this.#needles())).toEqual([]);
    expect(packagesThatOpen(site, this.ada.recording.id)).toBe(0);
  }

  /** The same look finds what it looks for before the erasure: it is not blind. */
  expectThatTheLookSees(site: TestInstallation): void {
    const found = whatIsIn(site.root, this.#needles());
    expect(found.filter((name) => name.startsWith("wrapped"))).toHaveLength(2 * this.secrets.wrapped.length);
    expect(packagesThatOpen(site, this.ada.recording.id)).toBeGreaterThan(0);
  }

  #needles(): ReadonlyMap<string, Uint8Array> {
    const samples = this.ada.recording.made.flatMap(({ leads, sequence }) =>
      leads.flatMap((lead, i) => {
        const some = lead.subarray(0, 16);
        return [
          [`samples ${sequence}/${i} as int32`, bytesOf(some)],
          [`samples ${sequence}/${i} as int16`, bytesOf(Int16Array.from(some))],
        ] as const;
      }),
    );
    const { dataKey, wrapped } = this.secrets;
    return new Map<string, Uint8Array>([
      ...samples,
      ["data key", dataKey],
      ["name", utf8("Ada")],
      ...wrapped.map((bytes, i) => [`wrapped ${i}`, bytes] as const),
    ]);
  }
}

const bytesOf = (values: Int32Array | Int16Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();

async function recordFor(site: TestInstallation, name: string): Promise<Recorded> {
  const { terminal, patient } = site.terminalOf(name);
  const recording = new TestRecording(terminal, PLAIN_SHAPE, { claimed: { unixMs: 1e12, zoneOffsetMinutes: 0 } });
  const envelope = terminal.envelope(...recording.take(4).map(({ sealed }) => sealed));
  const { receipted } = await site.post(envelope);
  if (receipted.length !== 4) throw new Error("segments were not receipted");
  return { patient, terminal, recording, envelope };
}

function wrappedKeys(site: TestInstallation, patient: string, recording: RecordingId): readonly Uint8Array[] {
  const database = new DatabaseSync(join(site.config.volumePaths[0] ?? "", "keys", "keys.sqlite"), { readOnly: true });
  const read = (table: string, column: string, id: string): Uint8Array =>
    database.prepare(`SELECT ${column} AS v FROM ${table} WHERE id = ?`).get(id)?.["v"] as Uint8Array;
  const found = [
    read("patients", "sealed_key", patient),
    read("patients", "sealed_name", patient),
    read("recordings", "sealed_key", recording),
  ].map((bytes) => bytes.slice());
  database.close();
  return found;
}

/** Every file below a folder. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) return filesBelow(path);
    return found?.isFile() ? [path] : [];
  });
}

/** Names of the needles that any file has, once for each file. */
function whatIsIn(folder: string, needles: ReadonlyMap<string, Uint8Array>): readonly string[] {
  return filesBelow(folder).flatMap((path) => {
    const bytes = readFileSync(path);
    return [...needles].flatMap(([name, needle]) => (bytes.includes(needle) ? [`${name} in ${path}`] : []));
  });
}

/** Packages of a recording, on every volume, that any key of the key store opens. */
function packagesThatOpen(site: TestInstallation, recording: RecordingId): number {
  const keys = site.store.recordingKeys().map(({ dataKey }) => dataKey);
  let count = 0;
  for (const bytes of packagesOf(site, recording)) {
    if (keys.some((key) => opens(key, bytes))) count += 1;
  }
  return count;
}

function opens(key: Uint8Array, bytes: Uint8Array): boolean {
  try {
    openPackage(key, parsePackage(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Packages of a recording as they lie on the volumes, copies counted each. */
export function packagesOf(site: TestInstallation, recording: RecordingId): readonly Uint8Array[] {
  return itemsOf(site)
    .filter(({ kind, bytes }) => kind === STORED_KIND.package && parsePackage(bytes).header.recording === recording)
    .map(({ bytes }) => bytes);
}

/** Everything that lies on the volumes, read beside the server that has them. */
export function itemsOf(site: TestInstallation): readonly StoredItem[] {
  return site.config.volumePaths.flatMap((path) => {
    const log = FrameLog.open(openDiskFolder(path), { name: "pack", fileBytesMax: 1 });
    const items = [...log.replay()].flatMap((entry) =>
      entry.kind === "frame"
        ? [{ kind: entry.frame.kind as StoredItem["kind"], bytes: entry.frame.content.slice() }]
        : [],
    );
    log.close();
    return items;
  });
}

/** The key store of an installation as another process has it. */
export function openElsewhere(site: TestInstallation): KeyStore {
  const folders = site.config.volumePaths.slice(0, site.config.copyCount).map((path) => join(path, "keys"));
  return KeyStore.open(folders, site.kek, site.environment.random);
}
