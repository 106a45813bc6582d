/**
 * The port of placements: where workers put what they took from a queue. A row is durable before the message is acknowledged, so
 * that a reply that is lost, or a message that comes twice, costs nothing.
 *
 * Source: docs/format.md §10.6.
 */
import type { Copy } from "../volumes/volume.ts";

/** Names one item on its way to one volume: 32 hex digits, drawn at random by the server that sends it. */
export type ItemId = string;

/** An item and where its copy lies. */
export interface Placement {
  readonly itemId: ItemId;
  readonly copy: Copy;
}

/** Placements of all volumes. */
export interface Placements {
  /** Durable when it resolves. An item that has a place keeps it. @throws {ServerError} ERR_CATALOG_UNAVAILABLE. */
  store(placements: readonly Placement[]): Promise<void>;
  /** Places of those items that have one. @throws {ServerError} ERR_CATALOG_UNAVAILABLE. */
  find(itemIds: readonly ItemId[]): Promise<ReadonlyMap<ItemId, Copy>>;
  /** Forgets what is older than a day: nobody waits for it, and what comes twice after it is stored twice. */
  forgetOld(): Promise<void>;
}
