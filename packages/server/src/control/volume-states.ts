/** How each file system of a server is: what status pages, commands and programs that watch are told. */
import type { VolumeEntry, VolumeSet } from "../volumes/volume-set.ts";
import type { VolumeSpace } from "../volumes/volume.ts";
import type { ControlArea, FileSystemState } from "./control-area.ts";

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

/** One file system, with what it has to be asked for. */
export interface VolumeDescription extends VolumeStateReport {
  /** Bytes of its packs and bytes left; null when it does not tell. */
  readonly packBytes: number | null;
  readonly freeBytes: number | null;
}

export interface VolumeStateParts {
  readonly volumes: VolumeSet;
  readonly control: ControlArea;
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
      reason: report.reason,
      sinceUnixMs: report.sinceUnixMs,
      queuedItems: channel?.itemsUnderWay ?? 0,
      queuedBytes: channel?.bytesUnderWay ?? 0,
    };
  });
}

async function spaceOf({ volume }: VolumeEntry): Promise<VolumeSpace | undefined> {
  return volume?.state === "up" || volume?.state === "full" ? volume.space().catch(() => undefined) : undefined;
}

/** As {@link volumeStates}, with the room of those that answer. */
export async function describeVolumes(parts: VolumeStateParts): Promise<readonly VolumeDescription[]> {
  const spaces = await Promise.all(parts.volumes.entries.map(spaceOf));
  return volumeStates(parts).map((report, i) => ({
    ...report,
    packBytes: spaces[i]?.packBytes ?? null,
    freeBytes: spaces[i]?.freeBytes ?? null,
  }));
}
