/** The processes of this machine. Ids are given anew, so a process is known by its command. Source: proc(5). */
import { readdirSync, readFileSync } from "node:fs";

/** Ids of all processes. */
export function processIds(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
}

/** The command line of a process; empty when it has ended. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
