/** How each file system of a server is: what status pages, commands and programs that watch are told. */
import type { Catalog } from "../catalog/catalog.ts";
import type { VolumeEntry, VolumeSet } from "../volumes/volume-set.ts";
import type { VolumeSpace } from "../volumes/volume.ts";
import type { ControlArea, FileSystemState } from "./control-area.ts";
import type { DrainState } from "./drainer.ts";
import type { VolumeCare } from "./volume-care.ts";

/** One file system. */
export interface VolumeStateReport {
  /** null while it did not open, and so did not tell. */
  readonly volumeId: string | null;
  readonly place: string;
  readonly state: FileSystemState;
  /** Why it is not idle or busy; null when it is. */
  readonly reason: string | null;
  /** Since when it works or does not. */
  readonly sinceUnixMs: number;
  /** Under way to it. */
  readonly queuedItems: number;
  readonly queuedBytes: number;
}

/** One file system, with what has to be asked for. */
export interface VolumeDescription extends VolumeStateReport {
  /** Items of which it has a copy. */
  readonly copies: number;
  /** How far it is drained; null when it is not. */
  readonly drain: DrainState | null;
  /** Bytes of its packs and bytes left; null when it does not tell. */
  readonly packBytes: number | null;
  readonly freeBytes: number | null;
}

export interface VolumeStateParts {
  readonly volumes: VolumeSet;
  readonly control: ControlArea;
}

export interface VolumeDescriptionParts extends VolumeStateParts {
  readonly catalog: Catalog;
  readonly volumeCare: VolumeCare;
}

/** States of all, from memory alone. */
export function volumeStates({ volumes, control }: VolumeStateParts): readonly VolumeStateReport[] {
  const channels = new Map(control.state.channels.map((channel) => [channel.volumeId, channel]));
  return volumes.entries.map(({ place, volume, report }) => {
    const channel = volume && channels.get(volume.id);
    return {
      volumeId: volume?.id ?? null,
      place,
      state: channel?.state ?? "down",
      reason: report.reason ?? channel?.reason ?? null,
      sinceUnixMs: report.sinceUnixMs,
      queuedItems: channel?.itemsUnderWay ?? 0,
      queuedBytes: channel?.bytesUnderWay ?? 0,
    };
  });
}

async function spaceOf({ volume }: VolumeEntry): Promise<VolumeSpace | undefined> {
  return volume?.state === "up" || volume?.state === "full" ? volume.space().catch(() => undefined) : undefined;
}

/** As {@link volumeStates}, with the room of those that answer, and what the catalog knows of each. */
export async function describeVolumes(parts: VolumeDescriptionParts): Promise<readonly VolumeDescription[]> {
  const { presence, drainer } = parts.volumeCare;
  const spaces = await Promise.all(parts.volumes.entries.map(spaceOf));
  const counts = new Map((await parts.catalog.countCopies()).map(({ volumeId, copies }) => [volumeId, copies]));
  return volumeStates(parts).map((report, i) => {
    const volumeId = report.volumeId ?? presence.idAt(report.place);
    return {
      ...report,
      volumeId,
      copies: (volumeId !== null && counts.get(volumeId)) || 0,
      drain: (volumeId !== null && drainer.stateOf(volumeId)) || null,
      packBytes: spaces[i]?.packBytes ?? null,
      freeBytes: spaces[i]?.freeBytes ?? null,
    };
  });
}
