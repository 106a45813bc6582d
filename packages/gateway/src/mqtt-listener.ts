/**
 * MQTT 3.1.1 over TCP or TLS. The broker's library is loaded when MQTT is switched on, not before.
 *
 * Source: MQTT 3.1.1 (OASIS); docs/format.md §9.5.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Aedes } from "aedes";
import { MqttPacketMeter } from "@pericard/protocol";
import type { Clock } from "./clock.ts";
import type { MqttConfig, TlsConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import type { Intake } from "./intake.ts";
import { MQTT_CONNECT_MS, MQTT_CONNECTIONS_MAX, MQTT_PACKET_MS } from "./limits.ts";
import { MqttSessions, type MqttParts } from "./mqtt-sessions.ts";
import { tlsOptions } from "./tls.ts";

/** What a listener works with. */
export interface MqttListenerParts extends MqttParts {
  readonly clock: Clock;
  /** Bytes of messages that are being taken in, over all clients and protocols. */
  readonly intake: Intake;
}

/** MQTT that is listened for. */
export interface MqttListener {
  readonly url: string;
  close(): Promise<void>;
}

/** What a packet that is not whole yet holds. */
class OpenPacket {
  readonly #intake: Intake;
  #undo: (() => void)[] = [];

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  /** Whether there is room for a packet. */
  begin(sizeBytes: number, startTimer: () => () => void): boolean {
    try {
      this.#undo = [this.#intake.reserve(sizeBytes), startTimer()];
      return true;
    } catch (error) {
      if (error instanceof GatewayError) return false;
      throw error;
    }
  }

  end(): void {
    const undo = this.#undo;
    this.#undo = [];
    for (const work of undo) work();
  }
}

/** Watches the lengths of a connection's packets. It is ended when one is too long, or takes too long. */
function measure(socket: Socket, { clock, intake }: MqttListenerParts): void {
  const open = new OpenPacket(intake);
  const startTimer = (): (() => void) => clock.after(MQTT_PACKET_MS, () => socket.destroy());
  const meter = new MqttPacketMeter({
    begin: (sizeBytes) => open.begin(sizeBytes, startTimer),
    end: () => open.end(),
  });
  socket.on("data", (bytes: Uint8Array) => {
    if (!meter.take(bytes)) socket.destroy();
  });
  socket.once("close", () => open.end());
}

function welcome(socket: Socket, broker: Aedes, parts: MqttListenerParts): void {
  if (broker.connectedClients >= MQTT_CONNECTIONS_MAX) {
    socket.destroy();
    return;
  }
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
  measure(socket, parts);
  broker.handle(socket);
}

function makeServer(tls: TlsConfig | undefined, onSocket: (socket: Socket) => void): Server {
  const server = tls
    ? createTlsServer({ ...tlsOptions(tls), handshakeTimeout: MQTT_CONNECT_MS }, onSocket)
    : createServer(onSocket);
  server.maxConnections = MQTT_CONNECTIONS_MAX;
  return server;
}

async function makeBroker(sessions: MqttSessions): Promise<Aedes> {
  const { Aedes: Broker } = await import("aedes");
  const broker = await Broker.createBroker({
    ...sessions.hooks,
    connectTimeout: MQTT_CONNECT_MS,
    maxClientsIdLength: 256,
    maxTopicLevels: 4,
  });
  broker.on("unsubscribe", (topics, client) => sessions.unsubscribe(client, topics));
  return broker;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function closeBroker(broker: Aedes): Promise<void> {
  return new Promise((resolve) => broker.close(() => resolve()));
}

/** Listens for MQTT. @throws {GatewayError} ERR_GATEWAY_LISTEN. */
export async function listenForMqtt(
  { host, port }: MqttConfig,
  tls: TlsConfig | undefined,
  parts: MqttListenerParts,
): Promise<MqttListener> {
  const broker = await makeBroker(new MqttSessions(parts));
  const sockets = new Set<Socket>();
  const server = makeServer(tls, (socket) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)).on("error", () => socket.destroy()));
    welcome(socket, broker, parts);
  });
  try {
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, () => resolve()));
  } catch (cause) {
    await closeBroker(broker);
    throw new GatewayError("ERR_GATEWAY_LISTEN", `gateway cannot listen on ${host} port ${port}`, { cause });
  }
  const listening = (server.address() as AddressInfo).port;
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `${tls ? "mqtts" : "mqtt"}://${name}:${listening}`,
    close: async () => {
      const closed = closeServer(server);
      await closeBroker(broker);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
