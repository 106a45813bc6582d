/** Taking a file system down that others may still use for a moment. */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../errors.ts";

const PAUSE_MS = 20;
const TRIES = 500;

/** Unmounts; waits up to ten seconds for those who have a file open. @throws {LabError} ERR_CHILD_FAILED. */
export async function unmount(path: string): Promise<void> {
  for (let tries = 1; spawnSync("umount", [path]).status !== 0; tries += 1) {
    if (tries === TRIES) throw new LabError("ERR_CHILD_FAILED", `${path} is in use`);
    await sleep(PAUSE_MS);
  }
}
