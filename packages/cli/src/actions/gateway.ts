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
  const { url, mqttUrl } = gateway;
  const places = mqttUrl === undefined ? url : `${url} and ${mqttUrl}`;
  output.result({ ready: true, url, mqttUrl: mqttUrl ?? null }, [`gateway is at ${places}`]);
  await untilAborted(stop);
  await gateway.close();
}
