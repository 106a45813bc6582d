/** The attack experiment: every attack on every target, really run, beside what theory says of it. Source: paper A §IV. */
import { PAPERS_FALL, rowOf, type AttackRow, type TargetName } from "./attack.ts";
import { BLOCK_MAP, mapLeads, mapTarget } from "./block-map.ts";
import { drawBlockPicture } from "./block-picture.ts";
import { extrapolate, MONEY, type Extrapolation, type Money } from "./extrapolate.ts";
import { searchKeys, type KeySearchReport } from "./key-search.ts";
import { KNOWN_BLOCK, lookUp, makeTable, readUpload } from "./known-block.ts";
import { MESSAGE_ATTACKS } from "./message-attacks.ts";
import { MIDDLE, standBetween } from "./middle-paper.ts";
import { standBetweenPericard } from "./middle-pericard.ts";
import { createPaperATarget } from "./paper-a-target.ts";
import { createPaperTarget } from "./paper-target.ts";
import { createPericardTarget } from "./pericard-target.ts";
import { openAttackSite, type AttackSite } from "./site.ts";
import type { Target } from "./target.ts";

export interface AttackOptions {
  /** How many bits of a key are not known, 8 to 28. */
  readonly bits: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

export interface AttackReport {
  readonly rows: readonly AttackRow[];
  /** Whether everything went as theory says. */
  readonly asExpected: boolean;
  readonly keySearch: KeySearchReport["measured"] & {
    readonly extrapolated: readonly Extrapolation[];
    readonly money: Money;
  };
  /** The block-repeat map of paper-2018 and of pericard-1, SVG. */
  readonly picture: string;
}

/** A new terminal of each target. */
const TARGETS: Readonly<Record<TargetName, (site: AttackSite) => Target>> = {
  A: createPaperATarget,
  "A+B": (site) => createPaperTarget(site),
  "pericard-1": (site) => createPericardTarget(site),
};

/** Runs everything on an installation of its own, which is removed in the end. @throws the signal's reason. */
export async function runAttackLab(options: AttackOptions): Promise<AttackReport> {
  const site = await openAttackSite({ synthetic: true });
  try {
    const search = await searchKeys(site, options);
    const mapped = mapBlocksOfAll(site);
    const rows = [
      ...search.rows,
      ...mapped.rows,
      ...(await readNetworkMessages(site, options)),
      ...(await standInTheMiddle(site)),
      ...(await attackWithMessages(site, options)),
    ];
    const { measured } = search;
    return {
      rows,
      asExpected: rows.every(({ succeeded, expected }) => succeeded === expected),
      keySearch: { ...measured, extrapolated: extrapolate(measured.keysPerSecond), money: MONEY },
      picture: mapped.picture,
    };
  } finally {
    await site.close();
  }
}

function mapBlocksOfAll(site: AttackSite): { readonly rows: readonly AttackRow[]; readonly picture: string } {
  const mapped = Object.values(TARGETS).map((create) => {
    const target = create(site);
    return { target, ...mapTarget(target) };
  });
  const rows = mapped.map(({ target, ...outcome }) =>
    rowOf({ name: BLOCK_MAP, theory: PAPERS_FALL }, target.name, outcome),
  );
  const [paper, , pericard] = mapped.map(({ map }) => map);
  const lead = mapLeads()[1];
  if (!paper || !pericard || !lead) throw new TypeError("nothing was mapped");
  return { rows, picture: drawBlockPicture({ lead, paper, pericard }) };
}

async function readNetworkMessages(
  site: AttackSite,
  { bits, signal, onProgress: tell }: AttackOptions,
): Promise<readonly AttackRow[]> {
  tell("table of first blocks");
  const onProgress = (share: number): void => tell(`network message, ${Math.round(100 * share)} % of 2^${bits}`);
  const options = { bits, signal, onProgress };
  const attack = { name: KNOWN_BLOCK, theory: PAPERS_FALL };
  const table = await makeTable(site, options);
  return [
    rowOf(attack, "A", await readUpload(site, table, options, "A")),
    rowOf(attack, "A+B", await readUpload(site, table, options, "A+B")),
    rowOf(attack, "pericard-1", lookUp(table, createPericardTarget(site))),
  ];
}

async function standInTheMiddle(site: AttackSite): Promise<readonly AttackRow[]> {
  const attack = { name: MIDDLE, theory: PAPERS_FALL };
  return [
    rowOf(attack, "A", standBetween(site.leave)),
    rowOf(attack, "A+B", standBetween(site.leave)),
    rowOf(attack, "pericard-1", await standBetweenPericard(site)),
  ];
}

async function attackWithMessages(
  site: AttackSite,
  { signal, onProgress }: AttackOptions,
): Promise<readonly AttackRow[]> {
  const rows: AttackRow[] = [];
  for (const attack of MESSAGE_ATTACKS) {
    for (const create of Object.values(TARGETS)) {
      signal.throwIfAborted();
      const target = create(site);
      onProgress(`${target.name}: ${attack.name}`);
      rows.push(rowOf(attack, target.name, await attack.run(target)));
    }
  }
  return rows;
}
