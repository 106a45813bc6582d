/**
 * What terminals and gateways agree on about MQTT 3.1.1.
 *
 * Source: docs/format.md §9.5; MQTT 3.1.1 (OASIS) §2.2, §4.7.
 */
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import {
  readArray,
  readBoolean,
  readBytes,
  readBytesUpTo,
  readInt,
  readOptional,
  readText,
  readTuple,
} from "./fields.ts";
import { RoutingId } from "./ids.ts";
import { ENVELOPE_BYTES_MAX, MAIL_ANSWER_BYTES_MAX, MAIL_MESSAGES_MAX, RETURNED_BYTES_MAX } from "./limits.ts";

/** `up`: messages of a terminal. `up/wait`: statuses for which mail may be waited for. `down`: answers. */
export type MqttDirection = "up" | "up/wait" | "down";

/** A topic of the binding. */
export interface MqttTopic {
  readonly routing: RoutingId;
  readonly direction: MqttDirection;
}

/** Seconds for which the answer to a status under `up/wait` may wait for mail. */
export const MQTT_WAIT_SECONDS = 25;

/** The name of a topic. */
export function mqttTopic(routing: RoutingId, direction: MqttDirection): string {
  return `pericard/${routing}/${direction}`;
}

/** Reads a topic's name; undefined when it is none of the binding. Wildcards name nothing. */
export function parseMqttTopic(name: string): MqttTopic | undefined {
  const [, routing, direction] = /^pericard\/([0-9a-f]{16})\/(up|up\/wait|down)$/.exec(name) ?? [];
  if (routing === undefined || direction === undefined) return undefined;
  return { routing: RoutingId.parse(routing), direction: direction as MqttDirection };
}

/** How many bytes at the end of a message stand for it in an answer. */
export const MQTT_TAIL_BYTES = 16;

/** What stands for a message in an answer: its last 16 bytes, which are of its signature. */
export function mqttTail(message: Uint8Array): Uint8Array {
  return message.slice(-MQTT_TAIL_BYTES);
}

/** One message under `down`: an answer as HTTP would give it, or mail that came by itself. */
export interface MqttAnswer {
  /** As in HTTP. */
  readonly status: number;
  /** Whether the gateway can pass nothing on now. */
  readonly cutOff: boolean;
  /** Code of a refusal. */
  readonly code: string | null;
  readonly retryAfterSeconds: number | null;
  /** {@link mqttTail} of what is answered; null for mail that came by itself. */
  readonly tail: Uint8Array | null;
  /** Signed messages, not verified. */
  readonly mail: readonly Uint8Array[];
}

/** What an answer adds to its mail, at most. */
const ANSWER_OVERHEAD_BYTES = 128;
const RETRY_AFTER_SECONDS_MAX = 86_400;

export const MqttAnswer = {
  /** @throws {ProtocolError} as {@link MqttAnswer.decode}. */
  encode({ status, cutOff, code, retryAfterSeconds, tail, mail }: MqttAnswer): Uint8Array {
    const bytes = encodeCbor([status, cutOff, code, retryAfterSeconds, tail, mail]);
    MqttAnswer.decode(bytes);
    return bytes;
  },

  /** @throws {ProtocolError} ERR_LENGTH_LIMIT, ERR_CBOR_MALFORMED or ERR_FIELD_RANGE. */
  decode(bytes: Uint8Array): MqttAnswer {
    if (bytes.length > MAIL_ANSWER_BYTES_MAX + ANSWER_OVERHEAD_BYTES) {
      throw new ProtocolError("ERR_LENGTH_LIMIT", `answer is ${bytes.length} bytes`);
    }
    const fields = readTuple("answer", decodeCbor(bytes), 6);
    return {
      status: readInt("status", fields[0], 200, 599),
      cutOff: readBoolean("cut off", fields[1]),
      code: readOptional(fields[2], readCode),
      retryAfterSeconds: readOptional(fields[3], (one) => readInt("retry after", one, 0, RETRY_AFTER_SECONDS_MAX)),
      tail: readOptional(fields[4], (one) => readBytes("tail", one, MQTT_TAIL_BYTES)),
      mail: readArray("mail", fields[5], 0, MAIL_MESSAGES_MAX).map((one) =>
        readBytesUpTo("message", one, RETURNED_BYTES_MAX),
      ),
    };
  },
};

function readCode(value: unknown): string {
  const code = readText("code", value, 64);
  if (/^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  throw new ProtocolError("ERR_FIELD_RANGE", "code is none");
}

/** Control packets that may be long. Source: MQTT 3.1.1 §2.2.1. */
const PUBLISH = 3;

/** Bytes of a packet after its fixed header: the longest message, its topic and identifier; and of every other packet. */
export const MQTT_PUBLISH_BYTES_MAX = ENVELOPE_BYTES_MAX + 256;
export const MQTT_CONTROL_BYTES_MAX = 16_384;

/** Told of each packet when its length is known, and when it is whole. */
export interface PacketListener {
  /** Whether a packet of that many bytes may come. */
  begin(sizeBytes: number): boolean;
  end(sizeBytes: number): void;
}

/**
 * Measures the packets of a connection as their bytes come, so that none is longer than it may be: a packet can claim
 * 256 MB, and what reads packets holds what it has of one until it is whole.
 */
export class MqttPacketMeter {
  readonly #listener: PacketListener;
  /** First byte of a packet's header; undefined between packets. */
  #type: number | undefined;
  #length = 0;
  #lengthBytes = 0;
  /** Bytes of the packet that are still to come; undefined while its header is read. */
  #left: number | undefined;

  constructor(listener: PacketListener) {
    this.#listener = listener;
  }

  /** Bytes of the packet that has begun and is not whole; 0 when there is none. */
  get openBytes(): number {
    return this.#left === undefined ? 0 : this.#length;
  }

  /** Takes the next bytes. False when a packet is longer than it may be, has no length, or is not let in. */
  take(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left === undefined) {
        if (!this.#takeHeader(bytes[at] ?? 0)) return false;
        at += 1;
      } else {
        const taken = Math.min(this.#left, bytes.length - at);
        this.#left -= taken;
        at += taken;
      }
      if (this.#left === 0) this.#finish();
    }
    return true;
  }

  #takeHeader(byte: number): boolean {
    if (this.#type === undefined) {
      this.#type = byte >> 4;
      return true;
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
    this.#lengthBytes += 1;
    if (byte >= 0x80) return this.#lengthBytes < 4;
    const max = this.#type === PUBLISH ? MQTT_PUBLISH_BYTES_MAX : MQTT_CONTROL_BYTES_MAX;
    if (this.#length > max || !this.#listener.begin(this.#length)) return false;
    this.#left = this.#length;
    return true;
  }

  #finish(): void {
    this.#listener.end(this.#length);
    this.#type = undefined;
    this.#length = 0;
    this.#lengthBytes = 0;
    this.#left = undefined;
  }
}
