/** The options by which a terminal is told whom to trust on the network. */
import type { TlsTrust } from "@pericard/terminal";
import { CliError } from "./errors.ts";
import { readText } from "./secret-file.ts";

/** Paths of PEM files. */
export interface TlsOptions {
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** @throws {CliError} ERR_USAGE unless both or none of certificate and key are given. */
export function tlsOf({ ca, clientCert, clientKey }: TlsOptions): TlsTrust {
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new CliError("ERR_USAGE", "--client-cert and --client-key must be given together");
  }
  return {
    ...(ca === undefined ? {} : { ca: readText(ca) }),
    ...(clientCert === undefined || clientKey === undefined
      ? {}
      : { cert: readText(clientCert), key: readText(clientKey) }),
  };
}
