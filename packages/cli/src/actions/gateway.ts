/** `pericard gateway`: takes sealed messages in, keeps them on disk, passes them on. */
import { startGateway } from "@pericard/gateway";
import { readGatewaySettings, type GatewayOptions } from "../gateway-settings.ts";
import { outputFor } from "../output.ts";
import { stopSignal, untilAborted } from "../stop-signal.ts";

interface RunOptions extends GatewayOptions {
  readonly logLevel: string;
  readonly json?: boolean;
}

export async function run(options: RunOptions): Promise<void> {
  const output = outputFor(options);
  const stop = stopSignal();
  const log = { level: options.logLevel, stream: process.stderr };
  const gateway = await startGateway(readGatewaySettings(options), { log });
  output.result({ ready: true, url: gateway.url }, [`gateway is at ${gateway.url}`]);
  await untilAborted(stop);
  await gateway.close();
}
