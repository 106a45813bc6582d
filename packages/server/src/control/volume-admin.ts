/**
 * Adding, draining and removing volumes while the server runs. What was done is in `server.json` before it is answered.
 *
 * Source: docs/operating/volumes.md.
 */
import type { Catalog } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import { changeVolumes, placeOf } from "../settings.ts";
import type { VolumePlace, VolumeSet } from "../volumes/volume-set.ts";
import type { Volume } from "../volumes/volume.ts";
import type { ControlArea } from "./control-area.ts";
import type { Drainer, DrainState } from "./drainer.ts";
import type { KeyHolders } from "./key-holders.ts";
import type { VolumePresence } from "./volume-presence.ts";

export interface VolumeAdminParts {
  readonly dataPath: string;
  readonly catalog: Catalog;
  readonly volumes: VolumeSet;
  readonly control: ControlArea;
  readonly presence: VolumePresence;
  readonly drainer: Drainer;
  readonly keyHolders: KeyHolders;
  /** A folder as a volume that is not open yet. */
  readonly folder: (path: string) => VolumePlace;
}

export class VolumeAdmin {
  readonly #parts: VolumeAdminParts;

  constructor(parts: VolumeAdminParts) {
    this.#parts = parts;
  }

  /** Takes a folder into service. @throws as {@link VolumeSet.add}; {ServerError} ERR_SERVER_CONFIG. */
  async add(path: string): Promise<Volume> {
    const { dataPath, volumes, control, folder, presence } = this.#parts;
    const volume = await volumes.add(folder(path));
    try {
      changeVolumes(dataPath, (known) => [...known, path]);
    } catch (error) {
      control.remove(volume.id);
      await volumes.remove(path);
      throw error;
    }
    await presence.refresh();
    return volume;
  }

  /** Begins to drain; the volume's copy of the key store is moved before this returns. */
  async drain(volumeId: string): Promise<DrainState> {
    const { drainer, keyHolders } = this.#parts;
    const place = this.#placeOf(volumeId);
    const state = await drainer.drain(volumeId);
    try {
      await keyHolders.leave(place);
    } catch (error) {
      await drainer.cancel(volumeId);
      throw error;
    }
    return state;
  }

  async cancelDrain(volumeId: string): Promise<void> {
    await this.#parts.drainer.cancel(volumeId);
  }

  /** Takes a volume that was drained out of service. Its folder stays as it is. @throws {ServerError} ERR_VOLUME_NEEDED. */
  async remove(volumeId: string): Promise<void> {
    const { dataPath, catalog, volumes, control, drainer, keyHolders, presence } = this.#parts;
    const place = this.#placeOf(volumeId);
    const state = drainer.stateOf(volumeId);
    if (!state) throw new ServerError("ERR_VOLUME_NEEDED", "volume is in use: drain it first");
    if (state.emptyAtUnixMs === null) throw new ServerError("ERR_VOLUME_NEEDED", "volume is not empty yet");
    if (keyHolders.holds(place)) throw new ServerError("ERR_VOLUME_NEEDED", "volume holds a copy of the key store");
    const counted = await catalog.countCopies();
    if (counted.some((one) => one.volumeId === volumeId)) {
      throw new ServerError("ERR_VOLUME_NEEDED", "volume has copies again: cancel draining and begin anew");
    }
    changeVolumes(dataPath, (known) => known.filter((one) => placeOf(dataPath, one) !== place));
    control.remove(volumeId);
    await volumes.remove(place);
    await drainer.forget(volumeId);
    await presence.forget(volumeId);
  }

  #placeOf(volumeId: string): string {
    const place = this.#parts.presence.placeOf(volumeId);
    if (place !== undefined) return place;
    throw new ServerError("ERR_NOT_FOUND", `no volume has the id ${volumeId}: see "pericard volumes list"`);
  }
}
