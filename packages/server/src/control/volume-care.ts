/** Everything that looks after the volumes of a running server: presence, scrubber, repairer, draining. */
import type { Logger } from "pino";
import type { Audit } from "../access/audit.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { VolumeSet } from "../volumes/volume-set.ts";
import type { ControlArea } from "./control-area.ts";
import { CopyCare } from "./copy-care.ts";
import { Drainer } from "./drainer.ts";
import { Repairer } from "./repairer.ts";
import { Scrubber } from "./scrubber.ts";
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
}

export class VolumeCare {
  readonly presence: VolumePresence;
  readonly scrubber: Scrubber;
  readonly repairer: Repairer;
  readonly drainer: Drainer;
  readonly #end = new AbortController();

  constructor(given: VolumeCareParts) {
    const { volumes, catalog, nowUnixMs } = given;
    this.presence = new VolumePresence(volumes, catalog, nowUnixMs);
    const care = new CopyCare({ ...given, presence: this.presence });
    const parts = { ...given, care, presence: this.presence, signal: this.#end.signal };
    this.scrubber = new Scrubber(parts);
    this.repairer = new Repairer(parts);
    this.drainer = new Drainer(parts);
  }

  /** Begins what goes on in the background. */
  async start(): Promise<void> {
    await this.presence.refresh();
    await this.drainer.start();
    this.scrubber.start();
    this.repairer.start();
  }

  close(): void {
    this.#end.abort();
  }
}
