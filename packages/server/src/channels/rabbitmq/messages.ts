/** Messages between server and worker. They carry sealed items and outcomes, and nothing else. Source: docs/format.md §10.6. */
import { FRAME_CONTENT_BYTES_MAX } from "@pericard/protocol";
import type { StoredItem, StoredKind } from "../../volumes/volume.ts";
import type { ItemId } from "../placements.ts";

/** What became of a message. `up`, `full` and `down` answer a probe, and an item that the volume did not take. */
export type Outcome = "stored" | "up" | "full" | "down";

const OUTCOMES: ReadonlySet<string> = new Set<Outcome>(["stored", "up", "full", "down"]);

/** Type of a message that asks how a volume is. */
export const PROBE = "probe";

/** A message as it comes from a broker: nothing in it is believed. */
export interface IncomingMessage {
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly type?: string;
  readonly replyTo?: string;
  readonly body: unknown;
}

/** What a worker is asked for. */
export type Request = { readonly itemId: ItemId } & (
  | { readonly kind: "probe" }
  | { readonly kind: "item"; readonly item: StoredItem }
);

function isItemId(text: string | undefined): text is ItemId {
  return text !== undefined && /^[0-9a-f]{32}$/.test(text);
}

/** The bytes without what Node adds to them. */
function plainView({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Type of the message that carries an item of a kind. */
export function typeOfItem(kind: StoredKind): string {
  return `item-${kind}`;
}

/** Reads a request; undefined when it is none. The item's bytes are a view of the message's. */
export function parseRequest({ messageId, type = "", body }: IncomingMessage): Request | undefined {
  if (!isItemId(messageId) || !(body instanceof Uint8Array) || body.length > FRAME_CONTENT_BYTES_MAX) return undefined;
  if (type === PROBE) return { itemId: messageId, kind: "probe" };
  const kind = Number(/^item-([1-9]|1\d|2[0-3])$/.exec(type)?.[1]);
  if (!Number.isInteger(kind)) return undefined;
  return { itemId: messageId, kind: "item", item: { kind: kind as StoredKind, bytes: plainView(body) } };
}

/** Reads a reply; undefined when it is none. */
export function parseReply({
  correlationId,
  type = "",
}: IncomingMessage): { itemId: ItemId; outcome: Outcome } | undefined {
  return isItemId(correlationId) && OUTCOMES.has(type)
    ? { itemId: correlationId, outcome: type as Outcome }
    : undefined;
}
