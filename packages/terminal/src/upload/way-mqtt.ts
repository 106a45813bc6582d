/** A target reached by MQTT 3.1.1, over TCP or TLS. Its library is loaded with the first message. */
import {
  isPaperEnvelope,
  isPaperKeyMessage,
  PaperKeyAnswer,
  parsePaperEnvelope,
  parseSigned,
  RoutingId,
} from "@pericard/protocol";
import type { UploadTarget } from "@pericard/trsm";
import { MqttLink, type MqttPlace, type MqttPost } from "./mqtt-link.ts";
import { IDLE_TIMEOUT_MS, type PostOptions, type Way, type WayAnswer, type WayOptions } from "./transport.ts";

/** Slowest link that a message is given time for: 4 bytes a millisecond. */
const BYTES_PER_MS_MIN = 4;

/** Whose a message is, and whether its answer is waited for. */
function readPost(body: Uint8Array, waits: boolean): MqttPost {
  if (isPaperEnvelope(body)) return { routing: parsePaperEnvelope(body).routing, direction: "up", body, asks: false };
  if (isPaperKeyMessage(body))
    return { routing: PaperKeyAnswer.decode(body).routing, direction: "up", body, asks: false };
  const { type, keyIdBytes } = parseSigned(body);
  const asks = type === "pericard/status" || type === "pericard/fetch-back";
  return { routing: RoutingId.fromBytes(keyIdBytes), direction: asks && waits ? "up/wait" : "up", body, asks };
}

/** Makes the way to one target, with one connection that is kept open and made anew when it ended. */
export function createMqttWay({ url, token }: UploadTarget, options: WayOptions): Way {
  const { idleTimeoutMs = IDLE_TIMEOUT_MS, tls = {} } = options;
  const place: MqttPlace = { url: new URL(url), token, tls, connectTimeoutMs: idleTimeoutMs };
  let link: Promise<MqttLink> | undefined;

  /** The open connection, or a new one. Several that ask at once wait for the same. */
  async function connected(): Promise<MqttLink> {
    const known = link;
    const open = await known?.catch(() => undefined);
    if (open?.isOpen) return open;
    if (link === known) link = MqttLink.open(place);
    return link ?? MqttLink.open(place);
  }

  async function post(body: Uint8Array, { waitSeconds = 0, signal }: PostOptions): Promise<WayAnswer> {
    const message = readPost(body, waitSeconds > 0);
    const limitMs = idleTimeoutMs + 1000 * waitSeconds + Math.ceil(body.length / BYTES_PER_MS_MIN);
    const open = await connected();
    return open.post(message, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
  }

  async function closeLink(): Promise<void> {
    const open = await link?.catch(() => undefined);
    open?.close();
  }

  return { post, close: () => void closeLink() };
}
