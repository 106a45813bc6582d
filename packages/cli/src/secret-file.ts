/** Files that hold one secret or certificate each, so that none stands on a command line. */
import { readFileSync } from "node:fs";
import { CliError } from "./errors.ts";

/** The text of a file. @throws {CliError} ERR_USAGE when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CliError("ERR_USAGE", `${path} cannot be read`, { cause });
  }
}

/** The secret that a file holds, without the line end that editors add. @throws {CliError} ERR_USAGE. */
export function readSecret(path: string): string {
  return readText(path).trim();
}
