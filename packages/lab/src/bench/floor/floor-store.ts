/** Three volume files alike and the rows, each in a thread. */
import { join } from "node:path";
import type { FloorRow } from "./floor-row.ts";
import { GroupThread } from "./group-thread.ts";

const VOLUME_THREAD = new URL("./volume-thread.ts", import.meta.url);
const ROWS_THREAD = new URL("./rows-thread.ts", import.meta.url);
const VOLUME_COUNT = 3;
/** Memory that a volume's thread reads a group from: more than all that the load has under way at once. */
const SHARED_BYTES = 32 * 1024 * 1024;

/** A volume's thread: its groups lie in shared memory, and it is told their sizes alone. */
function openVolume(path: string): GroupThread<Uint8Array, number> {
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const memory = new Uint8Array(shared);
  return new GroupThread<Uint8Array, number>(VOLUME_THREAD, { path, shared }, (contents) => {
    let offsetBytes = 0;
    for (const content of contents) {
      memory.set(content, offsetBytes);
      offsetBytes += content.length;
    }
    return contents.map(({ length }) => length);
  });
}

/** Mean items in one group of a kind of thread. */
export interface GroupSizes {
  readonly volume: number;
  readonly rows: number;
}

function meanGroup(threads: readonly { readonly itemCount: number; readonly groupCount: number }[]): number {
  const groups = threads.reduce((sum, { groupCount }) => sum + groupCount, 0);
  return groups === 0 ? 1 : threads.reduce((sum, { itemCount }) => sum + itemCount, 0) / groups;
}

export class FloorStore {
  readonly #volumes: readonly GroupThread<Uint8Array, number>[];
  readonly #rows: GroupThread<FloorRow, null>;
  readonly #copyCount: number;
  #turn = 0;

  constructor(folderPath: string, copyCount: number) {
    this.#copyCount = copyCount;
    this.#volumes = Array.from({ length: VOLUME_COUNT }, (_, i) => openVolume(join(folderPath, `volume-${i}`)));
    this.#rows = new GroupThread<FloorRow, null>(
      ROWS_THREAD,
      { path: join(folderPath, "rows.sqlite") },
      (rows) => rows,
    );
  }

  get groupSizes(): GroupSizes {
    return { volume: meanGroup(this.#volumes), rows: meanGroup([this.#rows]) };
  }

  /** Appends a package to as many volumes as it has copies; resolves when all are durable. */
  append(bytes: Uint8Array): Promise<FloorRow["copies"]> {
    this.#turn += 1;
    return Promise.all(
      Array.from({ length: this.#copyCount }, async (_, i) => {
        const volume = (this.#turn + i) % VOLUME_COUNT;
        const thread = this.#volumes[volume] as GroupThread<Uint8Array, number>;
        return { volume, offsetBytes: await thread.add(bytes) };
      }),
    );
  }

  /** Writes the rows of a package; resolves when they are durable. */
  async addRow(row: FloorRow): Promise<void> {
    await this.#rows.add(row);
  }

  async end(): Promise<void> {
    for (const thread of [...this.#volumes, this.#rows]) await thread.end();
  }
}
