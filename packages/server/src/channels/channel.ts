/**
 * The port of a message channel: the way between the control area and one file system.
 *
 * Source: paper B §3 (message channel), §4 (transmission response).
 */
import type { Copy, StoredItem } from "../volumes/volume.ts";

/** Room of a channel: packages and bytes that may be under way at once. Source: docs/format.md §10. */
export const CHANNEL_WINDOW = { itemCount: 64, bytes: 8 * 1024 * 1024 } as const;

/** How a file system is, as the control area sees it when it polls. `recovering` was down and is being probed. */
export type ChannelState = "idle" | "busy" | "full" | "down" | "recovering";

/** One channel. Items arrive in the order in which they are sent. */
export interface Channel {
  readonly volumeId: string;
  /** `idle` means room in the window. */
  readonly state: ChannelState;
  /** Why the way is neither idle nor busy, where that is not for the volume to say; null otherwise. */
  readonly reason: string | null;
  /** Items and bytes under way. */
  readonly itemsUnderWay: number;
  readonly bytesUnderWay: number;
  /**
   * Sends one item; resolves when the file system acknowledged it as durable.
   *
   * @throws {ServerError} ERR_VOLUME_DOWN or ERR_VOLUME_FULL when it did not: the item goes elsewhere.
   */
  send(item: StoredItem): Promise<Copy>;
}
