/** Where the operator's socket of a data folder is. Source: docs/format.md §9.5. */
import { join, relative, resolve } from "node:path";

const OPERATOR_SOCKET = "operator.sock";

/** The shorter way to the socket of a data folder, absolute or from here: a socket's path has room for 107 bytes. */
export function operatorSocketPath(dataPath: string): string {
  const whole = resolve(join(dataPath, OPERATOR_SOCKET));
  const near = relative(process.cwd(), whole);
  return near.length < whole.length ? near : whole;
}
