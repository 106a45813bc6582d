/**
 * A channel within the process. While a group of items is being synced the next one gathers, so that the pace of the
 * file system sets the size of the groups.
 */
import { gather } from "../threads/gather.ts";
import type { Copy, StoredItem, Volume } from "../volumes/volume.ts";
import { CHANNEL_WINDOW, type Channel } from "./channel.ts";

/** Opens the channel to one volume. */
export function openInProcessChannel(volume: Volume): Channel {
  let itemsUnderWay = 0;
  let bytesUnderWay = 0;
  const append = gather<StoredItem, Copy>((items) => volume.append(items));
  return {
    volumeId: volume.id,
    reason: null,
    get itemsUnderWay() {
      return itemsUnderWay;
    },
    get bytesUnderWay() {
      return bytesUnderWay;
    },
    get state() {
      if (volume.state !== "up") return volume.state;
      return itemsUnderWay < CHANNEL_WINDOW.itemCount && bytesUnderWay < CHANNEL_WINDOW.bytes ? "idle" : "busy";
    },
    send: async (item) => {
      itemsUnderWay += 1;
      bytesUnderWay += item.bytes.length;
      try {
        return await append(item);
      } finally {
        itemsUnderWay -= 1;
        bytesUnderWay -= item.bytes.length;
      }
    },
  };
}
