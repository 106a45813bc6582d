/** Gathers single calls into groups: while one group is under way the next one gathers. Order is kept. */

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Makes a function of one item out of a function of many, so that the pace of the disk sets the size of a group.
 *
 * @param write gives one result for each item, in order; when it fails, every item of the group fails with its error.
 */
export function gather<Item, Result>(
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  let gathering: Waiting<Item, Result>[] = [];
  let writing = false;

  async function writeGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await write(group.map(({ item }) => item));
      for (const [i, { resolve }] of group.entries()) resolve(results[i] as Result);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  async function writeAll(): Promise<void> {
    writing = true;
    await Promise.resolve();
    while (gathering.length > 0) {
      const group = gathering;
      gathering = [];
      await writeGroup(group);
    }
    writing = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      gathering.push({ item, resolve, reject });
      if (!writing) void writeAll();
    });
}
