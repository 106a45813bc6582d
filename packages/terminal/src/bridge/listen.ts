/** What ways into the bridge have in common. */
import type { Server } from "node:net";
import { TerminalError } from "../errors.ts";

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** A way into the bridge that is open. */
export interface OpenWay {
  /** As the sensors of the site name it. */
  readonly url: string;
  close(): Promise<void>;
}

/** Listens. @returns the port. @throws {TerminalError} ERR_BRIDGE_LISTEN. */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new TerminalError("ERR_BRIDGE_LISTEN", `cannot listen on ${host}:${port}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** Host and port as a URL has them. */
export function authorityOf(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
