/** Rows of durable packages. One call is one transaction, with as many statements for many packages as for one. */
import type { PackageItem } from "@pericard/protocol";
import { ServerError } from "../../errors.ts";
import type { Catalog, ItemOutcome, RebuiltPackage, StoredPackage } from "../catalog.ts";
import { judge, judgePlace, shapeText, withSegment } from "../judge.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Ask, Database } from "./database.ts";
import { findErased } from "./erasures.ts";
import { noteUses } from "./key-uses.ts";
import {
  insertCopies,
  insertPackages,
  insertSegments,
  isStored,
  updateRecordings,
  updateStreams,
  type JudgedPackage,
} from "./package-rows.ts";
import { findViews, insertStreams, lockStreams, streamName, streamOf, type LockedStream } from "./streams.ts";

type PackageMethods = Pick<Catalog, "storePackages" | "rebuildPackages" | "endRebuild">;

export function packageMethods(database: Database): PackageMethods {
  /** Which rebuild this server takes part in. */
  let rebuild: unknown;
  return {
    storePackages: async (packages) => {
      if (packages.length === 0) return [];
      const judged = await withStreams(database, packages, (ask, locked, kept) =>
        storePackages(ask, locked, kept, judge),
      );
      const [kept, rest] = [new Set(judged.map(({ stored }) => stored)), judged.values()];
      return packages.map((stored) => {
        const outcomes = kept.has(stored) ? rest.next().value?.outcomes : undefined;
        return outcomes ?? stored.items.map(() => "erased" as const);
      });
    },
    rebuildPackages: async (packages) => {
      if (packages.length === 0) return;
      await withStreams(database, packages, async (ask, locked, kept) => {
        const [row] = await ask("SELECT rebuild FROM catalog FOR SHARE");
        rebuild ??= row?.["rebuild"];
        requireSame(rebuild, row?.["rebuild"]);
        await rebuildPackages(ask, locked, kept);
      });
    },
    endRebuild: () =>
      database.transact(async (ask) => {
        const [row] = await ask("UPDATE catalog SET whole = true RETURNING rebuild");
        requireSame(rebuild ?? row?.["rebuild"], row?.["rebuild"]);
        await ask("TRUNCATE rebuilt");
        rebuild = undefined;
      }),
  };
}

/** A server that lost its connection may have lost the rebuild to another. */
function requireSame(own: unknown, current: unknown): void {
  if (own !== current) throw new ServerError("ERR_CATALOG_UNAVAILABLE", "another server rebuilds the catalog");
}

/** Runs work in a transaction that has the streams of packages to itself, of those packages that are not of erased recordings. */
async function withStreams<Stored extends StoredPackage, T>(
  { transact }: Database,
  packages: readonly Stored[],
  work: (ask: Ask, locked: ReadonlyMap<string, LockedStream>, kept: readonly Stored[]) => Promise<T>,
): Promise<T> {
  const done = await transact(async (ask) => {
    const locked = await lockStreams(ask, packages);
    return locked && { value: await work(ask, locked, packages) };
  });
  if (done) return done.value;
  // What is absent is made before anything is locked, so that nobody waits in a circle.
  return transact(async (ask) => {
    const erased = await findErased(
      ask,
      packages.map(({ recording }) => recording),
    );
    const kept = packages.filter(({ recording }) => !erased.has(recording));
    await insertStreams(ask, kept);
    const locked = await lockStreams(ask, kept);
    if (!locked) throw new ServerError("ERR_CATALOG_UNAVAILABLE", "a stream that was made is not there");
    return work(ask, locked, kept);
  });
}

async function storePackages(
  ask: Ask,
  locked: ReadonlyMap<string, LockedStream>,
  packages: readonly StoredPackage[],
  rule: typeof judge,
): Promise<readonly JudgedPackage[]> {
  const views = await findViews(ask, locked, packages);
  const keys = await insertPackages(
    ask,
    packages.map((stored) => streamOf(locked, stored).recordingKey),
  );
  const judged = packages.map((stored, i): JudgedPackage => {
    const shape = shapeText(stored.descriptor);
    const name = streamName(stored);
    const outcomes = stored.items.map((item): ItemOutcome => {
      const view = views.get(name);
      const { kind } = view ? rule(view, item, shape) : { kind: "conflict" as const };
      if (view && kind === "new") views.set(name, withSegment(view, item, shape));
      return kind === "new" ? "stored" : kind;
    });
    return { stored, packageKey: keys[i] as number, recordingKey: streamOf(locked, stored).recordingKey, outcomes };
  });
  await insertCopies(
    ask,
    judged.map(({ packageKey, stored: { copies } }) => ({ packageKey, copies })),
  );
  await insertSegments(ask, judged);
  await updateStreams(ask, judged);
  await updateRecordings(ask, locked, packages);
  return withReused(ask, judged);
}

/** Tells of the stored items whose use had sealed another segment. */
async function withReused(ask: Ask, judged: readonly JudgedPackage[]): Promise<readonly JudgedPackage[]> {
  const uses = judged.flatMap(({ stored, outcomes }) =>
    stored.items.filter((_, i) => isStored(outcomes[i])).map((item) => ({ ...pick(item), terminal: stored.terminal })),
  );
  const known = (await noteUses(ask, uses)).values();
  return judged.map((one) => ({
    ...one,
    outcomes: one.outcomes.map((outcome) => (isStored(outcome) && known.next().value === true ? "reused" : outcome)),
  }));
}

const pick = ({ cycle, index, use }: PackageItem) => ({ cycle, index, use });

const nameOf = ({ commitment }: RebuiltPackage): string => Buffer.from(commitment).toString("hex");

async function rebuildPackages(
  ask: Ask,
  locked: ReadonlyMap<string, LockedStream>,
  packages: readonly RebuiltPackage[],
): Promise<void> {
  const rows = await ask(
    "SELECT encode(commitment, 'hex') AS name, package FROM rebuilt WHERE commitment = ANY ($1::bytea[])",
    packages.map(({ commitment }) => commitment),
  );
  const known = new Map(rows.map((row) => [String(row["name"]), Number(row["package"])]));
  const fresh = [...new Map(packages.toReversed().map((one) => [nameOf(one), one])).values()]
    .toReversed()
    .filter((one) => !known.has(nameOf(one)));
  // What contradicts the chain stays too: of two such segments either may be the one that was receipted.
  const stored = fresh.length > 0 ? await storePackages(ask, locked, fresh, judgePlace) : [];
  for (const [i, { packageKey }] of stored.entries()) known.set(nameOf(fresh[i] as RebuiltPackage), packageKey);
  await ask(
    `INSERT INTO rebuilt SELECT * FROM ${unnest(["bytea", "bigint"])}`,
    ...columnsOf(
      stored.map(({ packageKey }, i) => [fresh[i]?.commitment, packageKey]),
      2,
    ),
  );
  await insertCopies(
    ask,
    packages.map((one) => ({ packageKey: known.get(nameOf(one)) ?? 0, copies: one.copies })),
  );
}
