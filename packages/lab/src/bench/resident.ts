/** How the command line starts a program that stays: a server, a gateway, a terminal. */
import { readFileSync } from "node:fs";
import type { ChildOptions } from "./child.ts";

const RESIDENT = new URL("../../../cli/bin/resident.json", import.meta.url);

/** Arguments for Node and variables of such a process, so that what is measured is what users run. */
export function residentProcess(): Pick<ChildOptions, "nodeArguments" | "environment"> {
  return JSON.parse(readFileSync(RESIDENT, "utf8")) as Pick<ChildOptions, "nodeArguments" | "environment">;
}
