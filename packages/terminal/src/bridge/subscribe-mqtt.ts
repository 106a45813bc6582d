/**
 * Sensors that speak to a broker that the site has already. What that broker acknowledged to them is its own promise; this
 * side acknowledges to the broker what is durable here.
 *
 * Source: docs/bridge.md, "A broker of the site".
 */
import type { IPublishPacket, MqttClient } from "mqtt";
import type { Clock } from "../clock.ts";
import { TerminalError } from "../errors.ts";
import type { Bridge } from "./bridge.ts";
import type { OpenWay } from "./listen.ts";

/** A broker and what to hear from it. */
export interface BrokerAddress {
  /** mqtt:// or mqtts://, without user and password. */
  readonly url: string;
  readonly topics: readonly string[];
  /** The same at every start, so that the broker keeps what came meanwhile. */
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** What is heard of the connection. */
export interface BrokerListener {
  readonly onConnected: () => void;
  readonly onLost: (reason: string) => void;
}

const RECONNECT_MS = 2000;
const ROOM_MS = 1000;

/** Subscribes, and again whenever the connection comes back. */
export async function subscribeMqtt(
  bridge: Bridge,
  address: BrokerAddress,
  clock: Clock,
  listener: BrokerListener,
): Promise<OpenWay> {
  const { url, topics, clientId, username, password } = address;
  const { connect } = await import("mqtt");
  const client = connect(url, {
    clientId,
    clean: false,
    protocolVersion: 4,
    reconnectPeriod: RECONNECT_MS,
    resubscribe: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  });
  const closing = new AbortController();
  client.handleMessage = async (packet, done) => done(await failureOf(bridge, packet, clock, closing.signal));
  client.on("connect", () => subscribe(client, topics, listener));
  client.on("error", (error: Error) => listener.onLost(error.message));
  client.on("close", () => listener.onLost("connection closed"));
  return {
    url,
    close: async () => {
      closing.abort();
      await client.endAsync(true);
    },
  };
}

function subscribe(client: MqttClient, topics: readonly string[], { onConnected, onLost }: BrokerListener): void {
  client.subscribe(topics, { qos: 1 }, (error, granted = []) => {
    const refused = granted.find(({ qos }) => Number(qos) > 2);
    if (error) onLost(error.message);
    else if (refused) onLost(`broker refuses the subscription to ${refused.topic}`);
    else onConnected();
  });
}

/**
 * Takes one message, and holds its PUBACK, and with it the messages after it, for as long as the journal has no room: the
 * broker keeps them. @returns what no waiting helps against: the message gets no PUBACK then.
 */
async function failureOf(
  bridge: Bridge,
  { topic, payload, qos, dup, messageId }: IPublishPacket,
  clock: Clock,
  closing: AbortSignal,
): Promise<Error | undefined> {
  const name = qos > 0 ? `broker/${messageId}` : undefined;
  const repeat = dup && name !== undefined ? { repeatOf: name } : {};
  const input = { topic, payload: new Uint8Array(Buffer.from(payload)), ...repeat };
  while (!closing.aborted) {
    try {
      await bridge.receive(input, name);
      return undefined;
    } catch (error) {
      if (!(error instanceof TerminalError)) return new Error("not taken", { cause: error });
      // Set aside; or of QoS 0, which is lost anyway, and the others must not wait for it.
      if (error.code === "ERR_BRIDGE_INPUT" || qos === 0) return undefined;
      await clock.sleep(ROOM_MS, closing);
    }
  }
  return new TerminalError("ERR_TERMINAL_CLOSED", "bridge is closed");
}
