/** The contract of the catalog: copies by place, for compaction, and what is over its time, for retention. */
import { TenantId } from "@pericard/protocol";
import { systemRandom } from "@pericard/crypto";
import { describe, expect, test } from "vitest";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { store, StreamBench } from "./bench.ts";

let drawn = 0;
const drawVolume = (): string => `places-${(drawn += 1)}`;

export function describePlaces(catalog: () => Catalog): void {
  describe("places", () => {
    test("are summed by pack, listed in order, and moved all at once", async () => {
      const [volumeId, other] = [drawVolume(), drawVolume()];
      const stream = new StreamBench();
      const copyAt = (fileNumber: number, offsetBytes: number) => ({
        volumeId,
        fileNumber,
        offsetBytes,
        sizeBytes: 10,
      });
      const elsewhere = { volumeId: other, fileNumber: 3, offsetBytes: 7, sizeBytes: 10 };
      await store(catalog(), stream.package(stream.next(1), { copies: [copyAt(3, 500), elsewhere] }));
      await store(catalog(), stream.package(stream.next(1), { copies: [copyAt(3, 20)] }));
      await store(catalog(), stream.package(stream.next(1), { copies: [copyAt(2 ** 40, 1)] }));
      expect(await catalog().sumPlaces(volumeId)).toEqual([
        { fileNumber: 3, liveBytes: 20 },
        { fileNumber: 2 ** 40, liveBytes: 10 },
      ]);
      expect(await catalog().findPlaces(volumeId, 3)).toEqual([20, 500]);
      const moves = [
        { from: copyAt(3, 500), to: { ...copyAt(4, 0), sizeBytes: 12 } },
        { from: copyAt(3, 20), to: copyAt(4, 12) },
        { from: copyAt(3, 999), to: copyAt(4, 99) },
      ];
      expect(await catalog().movePlaces(moves)).toBe(2);
      expect(await catalog().movePlaces(moves)).toBe(0);
      expect(await catalog().findPlaces(volumeId, 3)).toEqual([]);
      expect(await catalog().findPlaces(volumeId, 4)).toEqual([0, 12]);
      expect(await catalog().findPlaces(other, 3)).toEqual([7]);
      const placement = await catalog().findPlacement(
        (await catalog().findRecording(stream.facts.recording))?.key ?? 0,
        0,
        0,
      );
      expect(placement?.copies).toEqual(
        expect.arrayContaining([{ volumeId, fileNumber: 4, offsetBytes: 0, sizeBytes: 12 }, elsewhere]),
      );
      expect(await catalog().sumPlaces("no such volume")).toEqual([]);
    });

    test("of an erased recording are gone", async () => {
      const volumeId = drawVolume();
      const stream = new StreamBench();
      const copies = [{ volumeId, fileNumber: 0, offsetBytes: 0, sizeBytes: 10 }];
      const stored = stream.package(stream.next(2), { copies });
      await store(catalog(), stored);
      const number = (await catalog().lastErasure()) + 1;
      await catalog().eraseRecording({ recording: stored.recording, number, erasedAtUnixMs: 1 });
      expect(await catalog().sumPlaces(volumeId)).toEqual([]);
    });
  });

  describe("what is over its time", () => {
    test("is a recording whose streams all are, by its last arrival, of one tenant", async () => {
      const tenant = TenantId.fromBytes(systemRandom(16));
      const put = async (stream: StreamBench, receivedAtUnixMs: number) => {
        const stored = { ...stream.package(stream.next(1), { receivedAtUnixMs }), tenant };
        await store(catalog(), stored);
        return stored;
      };
      const old = await put(new StreamBench(), 1000);
      const growing = new StreamBench();
      await put(growing, 1000);
      await put(growing, 9000);
      await put(new StreamBench(), 9000);
      const waveform = { kind: 1, beforeUnixMs: 5000 };
      expect(await catalog().findOver(tenant, [waveform])).toEqual([
        { recording: old.recording, patient: old.patient },
      ]);
      expect(await catalog().findOver(tenant, [{ kind: 1, beforeUnixMs: 1000 }])).toEqual([]);
      expect(await catalog().findOver(tenant, [{ kind: 2, beforeUnixMs: 5000 }])).toEqual([]);
      expect(await catalog().findOver(tenant, [{ kind: 2, beforeUnixMs: 9999 }, waveform])).toHaveLength(1);
      expect(await catalog().findOver(tenant, [])).toEqual([]);
      expect(await catalog().findOver(TenantId.fromBytes(systemRandom(16)), [waveform])).toEqual([]);
    });
  });
}
