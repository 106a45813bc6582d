/** `pericard volumes`: the file systems of a storage server, through its operator's socket. */
import type { VolumeDescription } from "@pericard/server";
import { operatorOf, type OperatorOptions } from "../operator.ts";
import { bytesText, outputFor, table } from "../output.ts";

interface VolumesAnswer {
  readonly volumes: readonly VolumeDescription[];
}

const bytesOrDash = (sizeBytes: number | null): string => (sizeBytes === null ? "-" : bytesText(sizeBytes));

function rowOf(volume: VolumeDescription): readonly string[] {
  const { volumeId, place, state, reason, sinceUnixMs, queuedItems, packBytes, freeBytes } = volume;
  const why = reason === null ? "" : `${reason} (since ${new Date(sinceUnixMs).toISOString()})`;
  return [volumeId ?? "-", state, bytesOrDash(packBytes), bytesOrDash(freeBytes), String(queuedItems), place, why];
}

export async function list(options: OperatorOptions): Promise<void> {
  const answer = await operatorOf(options).get<VolumesAnswer>("/v1/volumes");
  const head = ["volume", "state", "packs", "left", "queue", "place", "why"];
  outputFor(options).result(answer, table(head, answer.volumes.map(rowOf)));
}
