/** Starting and stopping a gateway. */
import { readGatewayConfig, type GatewayConfig, type GatewaySettings } from "./config.ts";
import { createContext, type GatewayContext, type GatewayOverrides } from "./context.ts";
import { GatewayError } from "./errors.ts";
import { CLOSE_GRACE_MS } from "./limits.ts";
import { listenForMqtt, type MqttListener } from "./mqtt-listener.ts";
import type { GatewayStats } from "./stats.ts";

/** A gateway that runs. */
export interface RunningGateway {
  /** Where it listens, with the port that it got. */
  readonly url: string;
  /** Where it listens for MQTT; undefined when it does not. */
  readonly mqttUrl: string | undefined;
  /**
   * Stops listening, answers what is being asked, syncs and closes. Requests from clients and to the upstream have five
   * seconds each. What is still in the spool is forwarded after the next start. Called again, it gives the same promise.
   */
  close(): Promise<void>;
  stats(): GatewayStats;
}

async function listen(context: GatewayContext, host: string, port: number): Promise<string> {
  try {
    return await context.server.listen({ host, port });
  } catch (cause) {
    await shutDown(context, undefined);
    throw new GatewayError("ERR_GATEWAY_LISTEN", `gateway cannot listen on ${host} port ${port}`, { cause });
  }
}

async function listenMqtt(context: GatewayContext, config: GatewayConfig): Promise<MqttListener | undefined> {
  if (!config.mqtt) return undefined;
  try {
    return await listenForMqtt(config.mqtt, config.tls, context.mqttParts);
  } catch (error) {
    await shutDown(context, undefined);
    throw error;
  }
}

async function shutDown(context: GatewayContext, mqtt: MqttListener | undefined): Promise<void> {
  const { clock, server } = context;
  context.relay.close();
  context.requests.close();
  await mqtt?.close();
  const cancel = clock.after(CLOSE_GRACE_MS, () => server.server.closeAllConnections());
  await server.close();
  cancel();
  await context.forwarder.stop();
  context.spool.close();
  context.upstream.close();
  context.unlock();
}

/**
 * Starts a gateway: reads its spool back, listens, forwards.
 *
 * @param settings the value of a configuration file, checked here.
 * @throws {GatewayError} ERR_GATEWAY_CONFIG naming the field, ERR_GATEWAY_LISTEN.
 * @throws {FrameError} ERR_FOLDER_LOCKED when another process has the spool; ERR_LOG_DISK or ERR_LOG_FORMAT when it
 * cannot be read.
 */
export async function startGateway(
  settings: GatewaySettings,
  overrides: GatewayOverrides = {},
): Promise<RunningGateway> {
  const config = readGatewayConfig(settings);
  const context = createContext(config, overrides);
  const url = await listen(context, config.host, config.port);
  const mqtt = await listenMqtt(context, config);
  context.publish(url);
  context.forwarder.pump();
  let closing: Promise<void> | undefined;
  return {
    url,
    mqttUrl: mqtt?.url,
    close: () => (closing ??= shutDown(context, mqtt)),
    stats: context.stats,
  };
}
