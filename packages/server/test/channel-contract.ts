/** What every message channel must do, whatever carries its messages. */
import { systemRandom } from "@pericard/crypto";
import { describe, expect, test } from "vitest";
import { CHANNEL_WINDOW, type Channel } from "../src/channels/channel.ts";
import { STORED_KIND, type StoredItem } from "../src/volumes/volume.ts";
import type { FakeVolume } from "./support/fake-volume.ts";

/** A channel to a volume that fails and waits when a test wants it to. */
export interface ChannelPlace {
  readonly channel: Channel;
  readonly volume: FakeVolume;
}

const item = (number: number, sizeBytes = 100): StoredItem => {
  const bytes = systemRandom(sizeBytes);
  new DataView(bytes.buffer).setUint32(0, number);
  return { kind: STORED_KIND.package, bytes };
};

const numberOf = ({ bytes }: StoredItem): number => new DataView(bytes.slice().buffer).getUint32(0);

/** A place whose channel takes items. */
async function idle(opening: Promise<ChannelPlace>): Promise<ChannelPlace> {
  const place = await opening;
  await expect.poll(() => place.channel.state, { timeout: 10_000 }).toBe("idle");
  return place;
}

/** The suite. `open` gives a channel to a volume of its own. */
export function describeChannelContract(title: string, open: () => Promise<ChannelPlace>): void {
  describe(`channel contract: ${title}`, () => {
    test("an item is on its volume when it is acknowledged, byte for byte and of its kind", async () => {
      const { channel, volume } = await idle(open());
      expect(channel.volumeId).toBe(volume.id);
      const gap: StoredItem = { kind: STORED_KIND.gap, bytes: systemRandom(300_000) };
      const [one, copy] = [item(1), await channel.send(gap)];
      await channel.send(one);
      expect(volume.items).toEqual([gap, one]);
      expect(copy.volumeId).toBe(volume.id);
      expect(await volume.read(copy)).toEqual(gap.bytes);
    });

    test("items arrive in the order in which they are sent, each with a place of its own", async () => {
      const { channel, volume } = await idle(open());
      const copies = await Promise.all(Array.from({ length: 50 }, (_, i) => channel.send(item(i))));
      expect(volume.items.map(numberOf)).toEqual(Array.from({ length: 50 }, (_, i) => i));
      for (const [i, copy] of copies.entries()) {
        expect(numberOf({ kind: STORED_KIND.package, bytes: await volume.read(copy) })).toBe(i);
      }
    });

    test("nothing is acknowledged while the volume holds it; it is busy when its window is full, idle when it is not", async () => {
      const { channel, volume } = await idle(open());
      volume.hold();
      let acknowledged = 0;
      const send = (sizeBytes: number) => channel.send(item(0, sizeBytes)).then(() => (acknowledged += 1));
      const sent = Array.from({ length: CHANNEL_WINDOW.itemCount - 1 }, () => send(100));
      expect([channel.state, channel.bytesUnderWay]).toEqual(["idle", 6300]);
      sent.push(send(100));
      expect(channel.state).toBe("busy");
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(acknowledged).toBe(0);
      volume.release();
      await Promise.all(sent);
      expect([channel.state, channel.bytesUnderWay]).toEqual(["idle", 0]);
      volume.hold();
      const large = send(CHANNEL_WINDOW.bytes);
      expect([channel.state, channel.bytesUnderWay]).toEqual(["busy", CHANNEL_WINDOW.bytes]);
      volume.release();
      await large;
    });

    test.each(["ERR_VOLUME_DOWN", "ERR_VOLUME_FULL"] as const)(
      "%s of the volume is told, and it works again by itself",
      async (code) => {
        const { channel, volume } = await idle(open());
        volume.failure = code;
        volume.state = code === "ERR_VOLUME_FULL" ? "full" : "down";
        await expect(channel.send(item(1))).rejects.toMatchObject({ code, retryable: true });
        expect(channel.state).toBe(volume.state);
        volume.failure = undefined;
        volume.state = "up";
        await expect.poll(() => channel.state, { timeout: 10_000 }).toBe("idle");
        await channel.send(item(2));
        expect(volume.items.map(numberOf)).toEqual([2]);
        expect(channel.bytesUnderWay).toBe(0);
      },
    );

    test("an item's memory is its owner's again when the item was answered", async () => {
      const { channel, volume } = await idle(open());
      const one = item(7, 50_000);
      const copy = await channel.send({ ...one, bytes: one.bytes.slice() });
      const again = one.bytes.slice();
      const failing = channel.send({ ...one, bytes: again });
      volume.failure = "ERR_VOLUME_DOWN";
      await failing.catch(() => undefined);
      again.fill(0);
      expect(await volume.read(copy)).toEqual(one.bytes);
    });
  });
}
