/** A terminal's flash in memory, of which a thief can take and put back a copy. */
import { createMemoryFolder, type Folder, type MemoryFolder } from "@pericard/framelog";

/** A folder whose contents can be put back. */
export class Flash {
  #folder: MemoryFolder = createMemoryFolder();

  get folder(): Folder {
    return this.#folder;
  }

  /** @returns what puts these contents back. */
  copy(): () => void {
    const files = new Map(this.#folder.list().map((name) => [name, this.#folder.bytesOf(name).slice()]));
    return () => {
      this.#folder = createMemoryFolder(files);
    };
  }
}
