/** Gathers items into groups by bytes and time, several groups under way at once. Order within a group is the items' own. */

export interface BatchOptions {
  /** A group is written once it has so many bytes. */
  readonly bytesMax: number;
  /** A group is written so long after its first item, however small it is. */
  readonly waitMs: number;
  /** Groups that are written at once; further ones grow meanwhile. */
  readonly writesMax: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly sizeBytes: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Makes a function of one item out of a function of many.
 *
 * @param write gives one result for each item, in order; when it fails, every item of the group fails with its error.
 */
export function batch<Item, Result>(
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
  { bytesMax, waitMs, writesMax }: BatchOptions,
): (item: Item, sizeBytes: number) => Promise<Result> {
  const gathering: Waiting<Item, Result>[] = [];
  let gatheredBytes = 0;
  let writes = 0;
  let timer: NodeJS.Timeout | undefined;
  let isDue = false;

  function take(): readonly Waiting<Item, Result>[] {
    let [count, sizeBytes] = [0, 0];
    for (const { sizeBytes: more } of gathering) {
      if (count > 0 && sizeBytes + more > bytesMax) break;
      count += 1;
      sizeBytes += more;
    }
    gatheredBytes -= sizeBytes;
    return gathering.splice(0, count);
  }

  async function writeGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    writes += 1;
    try {
      const results = await write(group.map(({ item }) => item));
      for (const [i, { resolve }] of group.entries()) resolve(results[i] as Result);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    writes -= 1;
    proceed();
  }

  function isReady(): boolean {
    return gathering.length > 0 && (isDue || gatheredBytes >= bytesMax);
  }

  function proceed(): void {
    while (isReady() && writes < writesMax) void writeGroup(take());
    if (gathering.length > 0) {
      timer ??= setTimeout(() => {
        isDue = true;
        proceed();
      }, waitMs);
      return;
    }
    clearTimeout(timer);
    timer = undefined;
    isDue = false;
  }

  return (item, sizeBytes) =>
    new Promise((resolve, reject) => {
      gathering.push({ item, sizeBytes, resolve, reject });
      gatheredBytes += sizeBytes;
      proceed();
    });
}
