/** `pericard volumes`: the file systems of a storage server, through its operator's socket. */
import { operatorOf, type OperatorOptions } from "../operator.ts";
import { outputFor, table } from "../output.ts";

interface VolumesAnswer {
  readonly volumes: readonly { readonly volumeId: string; readonly state: string }[];
}

export async function list(options: OperatorOptions): Promise<void> {
  const answer = await operatorOf(options).get<VolumesAnswer>("/v1/volumes");
  const rows = answer.volumes.map(({ volumeId, state }) => [volumeId, state]);
  outputFor(options).result(answer, table(["volume", "state"], rows));
}
