/** What a site leaves behind after it was killed and stopped: nothing that anybody has to clean up. */
import { lockFolder } from "@pericard/framelog";
import { openTerminal } from "@pericard/terminal";
import { readdirSync } from "node:fs";
import type { Site } from "./site.ts";

/** Names that only an interrupted repair, or a damage, leaves. */
const REPAIR = /\.(restoring|building|damaged)/;

/** Opens the folder of a terminal that nobody has open. @returns what is wrong with it. */
function terminalFaults(path: string): readonly string[] {
  const terminal = openTerminal(path);
  const { items, quarantined, failure } = terminal.status().journal;
  terminal.close();
  const isEmpty = items === 0 && quarantined === 0 && failure === null;
  return isEmpty ? [] : [`${path}: ${items} items, ${quarantined} in quarantine, failure ${failure}`];
}

/**
 * Opens everything again, once as the programs do and once by their locks, and stops it. The site must be stopped.
 *
 * @returns what is wrong, one line for each thing.
 */
export async function checkLeftovers(site: Site, terminals: readonly number[]): Promise<readonly string[]> {
  const faults: string[] = [];
  const noneLeft = (): void => void faults.push(...site.leftProcesses().map((pid) => `process ${pid} is left`));
  noneLeft();
  lockFolder(site.paths.gateway).release();
  for (const number of terminals) faults.push(...terminalFaults(site.paths.terminal(number)));
  await site.startAll();
  await site.stopAll();
  noneLeft();
  if (site.rebuildCount !== 1) faults.push(`catalog was made anew ${site.rebuildCount - 1} times`);
  const names = readdirSync(site.paths.root, { recursive: true, encoding: "utf8" });
  return [...faults, ...names.filter((name) => REPAIR.test(name)).map((name) => `${name} is left`)];
}
