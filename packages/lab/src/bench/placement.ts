/** Which processor core works for whom, so that load and server do not take each other's time. Needs `taskset`. */
import { execFileSync } from "node:child_process";

/** Cores by their number in the operating system. */
export interface Placement {
  readonly serverCore: number;
  readonly loadCore: number;
}

/** Numbers of a list such as "0-2,5". */
function parseCores(list: string): readonly number[] {
  return list.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

function allowedCores(): string | undefined {
  try {
    const text = execFileSync("taskset", ["-c", "-p", String(process.pid)], { encoding: "utf8" });
    return /: ([\d,-]+)\s*$/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

function holdThisProcess(cores: string): void {
  execFileSync("taskset", ["-a", "-c", "-p", cores, String(process.pid)], { stdio: "ignore" });
}

/**
 * Holds this process, all its threads, to one core and names another for the server.
 *
 * @returns the cores, or undefined when there are fewer than two or no `taskset`; and what undoes it.
 */
export function placeProcesses(): { readonly placement: Placement | undefined; undo(): void } {
  const allowed = allowedCores();
  const cores = allowed === undefined ? [] : parseCores(allowed);
  const [serverCore, loadCore] = cores;
  if (allowed === undefined || serverCore === undefined || loadCore === undefined) {
    return { placement: undefined, undo: () => undefined };
  }
  holdThisProcess(String(loadCore));
  return { placement: { serverCore, loadCore }, undo: () => holdThisProcess(allowed) };
}
