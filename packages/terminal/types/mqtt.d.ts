/**
 * What is used of the package `mqtt`. Its own types name things of browsers' workers, which a compiler that checks
 * declarations does not know here; tsconfig.json puts these in their place.
 */
import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { SecureContextOptions } from "node:tls";

/** Source: https://github.com/mqttjs/MQTT.js, mqttclient-options. */
export interface IClientOptions extends SecureContextOptions {
  readonly protocolVersion?: 3 | 4 | 5;
  readonly protocolId?: "MQTT";
  readonly clean?: boolean;
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string;
  /** Seconds. */
  readonly keepalive?: number;
  /** Milliseconds; 0: never. */
  readonly reconnectPeriod?: number;
  readonly connectTimeout?: number;
  readonly resubscribe?: boolean;
  readonly queueQoSZero?: boolean;
  readonly will?: {
    readonly topic: string;
    readonly payload: Buffer;
    readonly qos: 0 | 1 | 2;
    readonly retain: boolean;
  };
}

/** A message that came. */
export interface IPublishPacket {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly qos: 0 | 1 | 2;
  readonly dup: boolean;
  readonly messageId?: number;
}

/** A client. Errors of CONNACK carry its return code as `code`. */
export declare class MqttClient extends EventEmitter {
  readonly connected: boolean;
  constructor(makeStream: () => Duplex, options: IClientOptions);
  publish(
    topic: string,
    payload: Buffer,
    options: { readonly qos: 0 | 1 | 2; readonly retain?: boolean },
    done: (error?: Error) => void,
  ): this;
  /** Called for each message before its PUBACK, which is sent when `done` is called without an error. May be replaced. */
  handleMessage(packet: IPublishPacket, done: (error?: Error) => void): void;
  subscribe(
    topic: string | readonly string[],
    options: { readonly qos: 0 | 1 },
    done: (error: Error | null, granted?: readonly { readonly topic: string; readonly qos: number }[]) => void,
  ): this;
  end(force: boolean): this;
  endAsync(force: boolean): Promise<void>;
}

export declare function connect(url: string, options: IClientOptions): MqttClient;
