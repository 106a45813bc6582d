/**
 * Sensors that speak MQTT 3.1.1 to the bridge itself. PUBACK means durable: the broker's own acknowledges before it publishes,
 * so that the work is done where it asks whether a client may publish. Its library is loaded when MQTT is switched on.
 *
 * Source: docs/bridge.md, "MQTT".
 */
import type { Aedes, Client, PublishPacket } from "aedes";
import { MqttPacketMeter } from "@pericard/protocol";
import { createServer, type Socket } from "node:net";
import { TerminalError } from "../errors.ts";
import { INPUT_BYTES_MAX, type Bridge } from "./bridge.ts";
import { authorityOf, listen, type ListenAddress, type OpenWay } from "./listen.ts";
import type { TokenCheck } from "./sensor-token.ts";

const CONNECTIONS_MAX = 256;
const CONNECT_MS = 10_000;
/** Topic and packet identifier beside the payload. */
const PACKET_BYTES_MAX = INPUT_BYTES_MAX + 1024;

/** Opens the way. @throws {TerminalError} ERR_BRIDGE_LISTEN. */
export async function listenMqtt(bridge: Bridge, address: ListenAddress, admits: TokenCheck): Promise<OpenWay> {
  const broker = await makeBroker(bridge, admits);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)).on("error", () => socket.destroy()));
    measure(socket);
    broker.handle(socket);
  });
  server.maxConnections = CONNECTIONS_MAX;
  try {
    const port = await listen(server, address);
    return {
      url: `mqtt://${authorityOf(address.host, port)}`,
      close: async () => {
        const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
        await closeBroker(broker);
        for (const socket of sockets) socket.destroy();
        await closed;
      },
    };
  } catch (error) {
    await closeBroker(broker);
    throw error;
  }
}

/** The parser gathers a packet whole before anybody may refuse it, and a packet may say that it is 256 MB long. */
function measure(socket: Socket): void {
  const meter = new MqttPacketMeter({ begin: (sizeBytes) => sizeBytes <= PACKET_BYTES_MAX, end: () => undefined });
  socket.on("data", (bytes: Uint8Array) => {
    if (!meter.take(bytes)) socket.destroy();
  });
}

async function makeBroker(bridge: Bridge, admits: TokenCheck): Promise<Aedes> {
  const { Aedes: Broker } = await import("aedes");
  const broker = await Broker.createBroker({
    connectTimeout: CONNECT_MS,
    maxClientsIdLength: 256,
    preConnect: (_client, packet, done) => {
      // Nobody hears anything here, so that there is nothing to keep for one who comes back; a will is no observation.
      packet.clean = true;
      done(null, packet.will === undefined);
    },
    authenticate: (_client, _username, password, done) => done(null, admits(password)),
    authorizePublish: async (client, packet, done) => done(await failureOf(bridge, client, packet)),
    authorizeSubscribe: (_client, _subscription, done) => done(null, null),
    authorizeForward: () => null,
  });
  broker.on("clientError", () => undefined);
  broker.on("connectionError", () => undefined);
  return broker;
}

function closeBroker(broker: Aedes): Promise<void> {
  return new Promise((resolve) => broker.close(() => resolve()));
}

/**
 * Why a message gets no PUBACK; null when it gets one. MQTT 3.1.1 cannot refuse a message: the connection ends, and it is sent
 * again later. What is no observation is set aside and acknowledged: its sender would repeat it for ever.
 */
async function failureOf(bridge: Bridge, client: Client | null, packet: PublishPacket): Promise<Error | null> {
  // Nothing is kept for later subscribers, since there are none.
  packet.retain = false;
  const payload = new Uint8Array(Buffer.from(packet.payload));
  const name = packet.qos > 0 && client ? `${client.id}/${packet.messageId}` : undefined;
  const repeat = packet.dup && name !== undefined ? { repeatOf: name } : {};
  try {
    await bridge.receive({ topic: packet.topic, payload, ...repeat }, name);
    return null;
  } catch (error) {
    if (error instanceof TerminalError && error.code === "ERR_BRIDGE_INPUT") return null;
    return error instanceof Error ? error : new Error("not taken", { cause: error });
  }
}
