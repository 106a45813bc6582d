/** What the contract of the catalog works with: callers, and packages made up of chained items. */
import { systemRandom } from "@pericard/crypto";
import {
  BootId,
  PatientId,
  RecordingId,
  TenantId,
  TerminalId,
  toHex,
  type PackageItem,
  type WaveformDescriptor,
} from "@pericard/protocol";
import type { Catalog, RecordingRow, StoredPackage } from "../../src/catalog/catalog.ts";
import { PLAIN_SHAPE } from "../support/test-recording.ts";

/** One process's way to the rows. */
export interface Caller {
  readonly catalog: Catalog;
  /** Ends it without a word to the catalog, as a process that is killed. */
  leave(): Promise<void>;
}

/** One catalog, empty at first, that several callers may have open. */
export interface CatalogBench {
  open(): Promise<Caller>;
  remove(): Promise<void>;
}

const drawHex = (sizeBytes: number): string => toHex(systemRandom(sizeBytes));

export const drawTenant = (): TenantId => TenantId.parse(drawHex(16));
export const drawPatient = (): PatientId => PatientId.parse(drawHex(16));
export const drawTerminal = (): TerminalId => TerminalId.parse(drawHex(6));
export const drawBoot = (): BootId => BootId.parse(drawHex(8));
export const drawRecording = (): RecordingId => RecordingId.parse(drawHex(16));
export const drawHash = (): Uint8Array => systemRandom(32);

export const FRAMES = 10;
let uses = 0;

/** One stream of a recording, whose items of FRAMES frames are chained; numbered from 0 without a hole. */
export class StreamBench {
  readonly facts: Omit<StoredPackage, "items" | "copies" | "receivedAtUnixMs" | "descriptor">;
  readonly descriptor: WaveformDescriptor;
  readonly items: PackageItem[] = [];

  constructor(wish: Partial<StreamBench["facts"]> = {}, descriptor: Partial<WaveformDescriptor> = {}) {
    this.facts = {
      recording: drawRecording(),
      tenant: drawTenant(),
      terminal: drawTerminal(),
      patient: drawPatient(),
      stream: 0,
      ...wish,
    };
    this.descriptor = {
      kind: 1,
      boot: null,
      claimed: null,
      firstFrame: 0,
      frameCount: FRAMES,
      shape: PLAIN_SHAPE,
      predecessor: null,
      ...descriptor,
    };
  }

  /** An item for a place, which nothing here remembers. */
  at(sequence: number, wish: Partial<PackageItem> = {}): PackageItem {
    uses += 1;
    return {
      sequence,
      hash: drawHash(),
      prev: this.items[sequence - 1]?.hash ?? null,
      final: false,
      cycle: 0,
      index: 0,
      use: uses,
      policyVersion: 0,
      firstFrame: sequence * FRAMES,
      frameCount: FRAMES,
      sizeBytes: 100,
      codec: "raw",
      ...wish,
    };
  }

  /** The next items of the stream. */
  next(count = 1, wish: Partial<PackageItem> = {}): readonly PackageItem[] {
    return Array.from({ length: count }, () => {
      const item = this.at(this.items.length, wish);
      this.items.push(item);
      return item;
    });
  }

  /** A package of items, in two copies. */
  package(items: readonly PackageItem[], wish: Partial<StoredPackage> = {}): StoredPackage {
    const descriptor = { ...this.descriptor, firstFrame: items[0]?.firstFrame ?? 0 };
    const copies = ["volume-1", "volume-2"].map((volumeId, i) => {
      return { volumeId, fileNumber: 1 + i, offsetBytes: (uses + i) * 4096, sizeBytes: 1000 };
    });
    return {
      ...this.facts,
      descriptor,
      receivedAtUnixMs: 1000 * (1 + (items[0]?.sequence ?? 0)),
      items,
      copies,
      ...wish,
    };
  }
}

/** The row of a recording that is there. */
export async function rowOf(catalog: Catalog, { recording }: Pick<StoredPackage, "recording">): Promise<RecordingRow> {
  const row = await catalog.findRecording(recording);
  if (!row) throw new Error(`recording ${recording} is not there`);
  return row;
}

/** Stores one package. */
export async function store(catalog: Catalog, stored: StoredPackage): Promise<readonly string[]> {
  const [outcomes] = await catalog.storePackages([stored]);
  return outcomes ?? [];
}
