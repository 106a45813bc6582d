/** The demo's server and gateway as processes. */
import { type Child, startChild } from "./child.ts";
import { type DemoPaths, writeGatewayConfig } from "./installation.ts";

export interface StackOptions {
  readonly paths: DemoPaths;
  /** Folder of the built viewer; without it the server has no pages. */
  readonly viewerPath: string | undefined;
  /** Port of the server, or 0 for any. */
  readonly port: number;
  readonly onLog: (line: string) => void;
}

/** A running server and gateway. */
export interface Stack {
  readonly serverUrl: string;
  readonly gatewayUrl: string;
  readonly server: Child;
  readonly gateway: Child;
  /** Stops the gateway, then the server. */
  stop(): Promise<void>;
}

/** Starts the server of a demo. */
export function startServerChild({ paths, viewerPath, port, onLog }: StackOptions): Promise<Child> {
  const viewer = viewerPath === undefined ? ["--viewer", "none"] : ["--viewer", viewerPath];
  return startChild({
    args: ["server", "--data", paths.server, "--port", String(port), "--log-level", "warn", "--json", ...viewer],
    environment: { PERICARD_KEK_PASSPHRASE_FILE: paths.passphraseFile },
    onLog,
  });
}

/** Starts the gateway of a demo before the server of that address. */
export function startGatewayChild(paths: DemoPaths, serverUrl: string, onLog: (line: string) => void): Promise<Child> {
  writeGatewayConfig(paths, serverUrl);
  return startChild({ args: ["gateway", "--config", paths.gatewayConfig, "--log-level", "warn", "--json"], onLog });
}

/** Starts both. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const server = await startServerChild(options);
  const serverUrl = String(server.ready["url"]);
  const gateway = await startGatewayChild(options.paths, serverUrl, options.onLog);
  return {
    serverUrl,
    gatewayUrl: String(gateway.ready["url"]),
    server,
    gateway,
    stop: async () => {
      await gateway.stop();
      await server.stop();
    },
  };
}
