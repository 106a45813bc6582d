/**
 * The end of a migration, while nobody uses the installation: what is left is copied, everything is counted, the key store goes
 * along, and the settings are changed. Before that last step nothing has happened to the installation; after it, the engines
 * have everything that was ever receipted.
 *
 * Source: docs/operating/migrate.md.
 */
import { moveKeyStore, type MovedTable } from "@pericard/custody";
import type { TakeOver } from "../catalog/postgresql/take-over.ts";
import type { SourceCatalog } from "../catalog/sqlite/source-catalog.ts";
import { ServerError } from "../errors.ts";
import { compareStep } from "./compare-packages.ts";
import { PackageCopier } from "./copy-packages.ts";
import type { FindVolume } from "./slices.ts";
import type { MigrationTarget } from "./target.ts";

export interface SwitchParts {
  readonly source: SourceCatalog;
  readonly findVolume: FindVolume;
  readonly target: MigrationTarget;
  /** Folders of the key store. */
  readonly keyFolderPaths: readonly string[];
}

/** What was moved. */
export interface Switched {
  readonly packages: number;
  readonly copies: number;
  readonly segments: number;
  readonly auditEntries: number;
  readonly keyStore: readonly MovedTable[];
}

/** Notes about volumes and walks through the catalog: they mean what is left behind. */
const isKept = (note: string): boolean => !/^(volume |drain |scrub)/.test(note);

/** @throws {ServerError} ERR_MIGRATION_DIFFERS and others; the settings are as they were then. */
export async function switchOver({ source, findVolume, target, keyFolderPaths }: SwitchParts): Promise<Switched> {
  const { catalog, buckets, next } = target;
  const { copyCount } = next.config;
  const copier = new PackageCopier({ source, findVolume, target: catalog, buckets, copyCount });
  while ((await copier.step()) > 0);
  while ((await copier.stepAudit()) > 0);
  while ((await compareStep({ source, findVolume, target: catalog, buckets, copyCount })) > 0);
  await catalog.finish({ tables: () => source.tables(), rowsOf: (table) => source.rowsOf(table) }, isKept);
  const counts = await requireSame(source, catalog, copyCount);
  const keyStore = moveThenSwitch(target, keyFolderPaths, source.id);
  return { ...counts, keyStore };
}

function moveThenSwitch(
  { keyStore, next }: MigrationTarget,
  keyFolderPaths: readonly string[],
  move: string,
): readonly MovedTable[] {
  let isSwitched = false;
  try {
    return moveKeyStore(keyFolderPaths, keyStore, move, () => {
      next.write();
      isSwitched = true;
    });
  } catch (error) {
    // What fails in the old key store once the new one counts is of no consequence.
    if (isSwitched) return [];
    throw error;
  }
}

/** Tables of which every row must be there, by sums that both databases can tell. */
const SUMS = {
  packages: "SELECT COUNT(*) AS n, COALESCE(SUM(key), 0) AS a, COALESCE(SUM(recording), 0) AS b FROM packages",
  segments:
    "SELECT COUNT(*) AS n, COALESCE(SUM(package), 0) AS a, COALESCE(SUM((first_frame + sequence + size) % 1000003), 0) AS b FROM segments",
  recordings:
    "SELECT COUNT(*) AS n, COALESCE(SUM(key), 0) AS a, COALESCE(SUM(first_received_ms % 1000003), 0) AS b FROM recordings",
  streams:
    "SELECT COUNT(*) AS n, COALESCE(SUM(segment_count), 0) AS a, COALESCE(SUM(highest_sequence), 0) AS b FROM streams",
  audit: "SELECT COUNT(*) AS n, COALESCE(SUM(number), 0) AS a, COALESCE(SUM(at_ms % 1000003), 0) AS b FROM audit",
  stubs: "SELECT COUNT(*) AS n, COALESCE(SUM(sequence), 0) AS a, 0 AS b FROM stubs",
  erased: "SELECT COUNT(*) AS n, COALESCE(SUM(number), 0) AS a, 0 AS b FROM erased",
  gaps: "SELECT COUNT(*) AS n, COALESCE(SUM(sequence), 0) AS a, 0 AS b FROM gaps",
  key_uses: "SELECT COUNT(*) AS n, COALESCE(SUM(run), 0) AS a, 0 AS b FROM key_uses",
} as const;

/** @throws {ServerError} ERR_MIGRATION_DIFFERS. */
async function requireSame(
  source: SourceCatalog,
  catalog: TakeOver,
  copyCount: number,
): Promise<Omit<Switched, "keyStore">> {
  const counts = new Map<string, number>();
  for (const [table, text] of Object.entries(SUMS)) {
    const [left, taken] = [source.ask(text), await catalog.ask(text)];
    const isSame = ["n", "a", "b"].every((name) => Number(left[name]) === Number(taken[name]));
    if (!isSame) throw new ServerError("ERR_MIGRATION_DIFFERS", `table ${table} of the catalog is not the same`);
    counts.set(table, Number(taken["n"]));
  }
  const { n: copies } = await catalog.ask("SELECT COUNT(*) AS n FROM copies");
  const packages = counts.get("packages") ?? 0;
  if (Number(copies) !== packages * copyCount) {
    const message = `there are ${String(copies)} copies of ${packages} packages, and not ${copyCount} of each`;
    throw new ServerError("ERR_MIGRATION_DIFFERS", message);
  }
  const [segments = 0, auditEntries = 0] = [counts.get("segments"), counts.get("audit")];
  return { packages, copies: Number(copies), segments, auditEntries };
}
