/** Speaking with the running server of a data folder. */
import { OperatorClient } from "@pericard/server";
import type { InstallationOptions } from "./installation.ts";

/** Options of commands that ask the running server: they need no passphrase, since the server has the keys. */
export interface OperatorOptions extends Pick<InstallationOptions, "data"> {
  readonly json?: boolean;
}

/** A client of the server that runs over the data folder. Its calls throw {ServerError} ERR_SERVER_NOT_RUNNING without one. */
export function operatorOf({ data }: OperatorOptions): OperatorClient {
  return new OperatorClient(data);
}
