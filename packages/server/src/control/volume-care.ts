/** Everything that looks after the volumes of a running server: presence, scrubber, repairer, draining, copies of the key store. */
import type { Logger } from "pino";
import type { Audit } from "../access/audit.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { BucketConfig } from "../config.ts";
import type { KeyStoreRoom } from "../keys/key-store.ts";
import { changeVolumes, placeOf } from "../settings.ts";
import type { VolumePlace, VolumeSet } from "../volumes/volume-set.ts";
import type { ControlArea } from "./control-area.ts";
import { CopyCare } from "./copy-care.ts";
import { Drainer } from "./drainer.ts";
import { KeyHolders } from "./key-holders.ts";
import { Repairer } from "./repairer.ts";
import { Scrubber } from "./scrubber.ts";
import { VolumeAdmin } from "./volume-admin.ts";
import { VolumePresence } from "./volume-presence.ts";

export interface VolumeCareParts {
  readonly catalog: Catalog;
  readonly volumes: VolumeSet;
  readonly control: ControlArea;
  readonly recordingKeys: RecordingKeys;
  readonly copyCount: number;
  readonly audit: Audit;
  readonly logger: Logger;
  readonly nowUnixMs: () => number;
  readonly monotonicMs: () => number;
  readonly dataPath: string;
  readonly keyRoom: KeyStoreRoom;
  /** Copies of the key store that there are to be on volumes. */
  readonly keyCopyCount: number;
  readonly folder: (path: string) => VolumePlace;
}

export class VolumeCare {
  readonly presence: VolumePresence;
  readonly scrubber: Scrubber;
  readonly repairer: Repairer;
  readonly drainer: Drainer;
  readonly admin: VolumeAdmin;
  readonly keyHolders: KeyHolders;
  readonly #end = new AbortController();

  constructor(given: VolumeCareParts) {
    const { volumes, catalog, nowUnixMs } = given;
    this.presence = new VolumePresence(volumes, catalog, nowUnixMs);
    const care = new CopyCare({ ...given, presence: this.presence });
    const parts = { ...given, care, presence: this.presence, signal: this.#end.signal };
    this.scrubber = new Scrubber(parts);
    this.repairer = new Repairer(parts);
    this.drainer = new Drainer(parts);
    this.keyHolders = new KeyHolders({
      ...parts,
      room: given.keyRoom,
      copyCount: given.keyCopyCount,
      drainer: this.drainer,
      putInOrder: (first, last) => putInOrder(given.dataPath, first, last),
    });
    this.admin = new VolumeAdmin({ ...parts, drainer: this.drainer, keyHolders: this.keyHolders });
  }

  /** Begins what goes on in the background. */
  async start(): Promise<void> {
    await this.presence.refresh();
    await this.drainer.start();
    this.scrubber.start();
    this.repairer.start();
    this.keyHolders.start();
  }

  close(): void {
    this.#end.abort();
  }
}

/** The first volumes of the settings are those of the key store. */
function putInOrder(dataPath: string, first: readonly string[], last: string | undefined): void {
  const rankOf = (volume: string | BucketConfig): number => {
    const place = placeOf(dataPath, volume);
    if (place === last) return first.length + 1;
    return first.includes(place) ? first.indexOf(place) : first.length;
  };
  changeVolumes(dataPath, (volumes) => volumes.toSorted((a, b) => rankOf(a) - rankOf(b)));
}
