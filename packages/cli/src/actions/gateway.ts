/** `pericard gateway`: takes sealed messages in, keeps them on disk, passes them on. */
import { startGateway, type GatewaySettings } from "@pericard/gateway";
import { readFileSync } from "node:fs";
import { CliError } from "../errors.ts";
import { outputFor } from "../output.ts";
import { stopSignal, untilAborted } from "../stop-signal.ts";

interface GatewayOptions {
  readonly config: string;
  readonly logLevel: string;
  readonly json?: boolean;
}

/** The file's value; the gateway checks it field by field. */
function readConfigFile(path: string): GatewaySettings {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as GatewaySettings;
  } catch (cause) {
    throw new CliError("ERR_USAGE", `${path} cannot be read as JSON`, { cause });
  }
}

export async function run(options: GatewayOptions): Promise<void> {
  const output = outputFor(options);
  const stop = stopSignal();
  const log = { level: options.logLevel, stream: process.stderr };
  const gateway = await startGateway(readConfigFile(options.config), { log });
  output.result({ ready: true, url: gateway.url }, [`gateway is at ${gateway.url}`]);
  await untilAborted(stop);
  await gateway.close();
}
