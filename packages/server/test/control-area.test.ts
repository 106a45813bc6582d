/** The control area over channels that a test commands. */
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { openInProcessChannel } from "../src/channels/in-process-channel.ts";
import { CHANNEL_WINDOW } from "../src/channels/channel.ts";
import { ControlArea, type ControlOptions } from "../src/control/control-area.ts";
import { STORED_KIND, type StoredItem } from "../src/volumes/volume.ts";
import { FakeVolume } from "./support/fake-volume.ts";

const opened: ControlArea[] = [];
afterEach(() => {
  for (const control of opened.splice(0)) control.close();
});

function open(volumes: readonly FakeVolume[], wish: Partial<ControlOptions> = {}): ControlArea {
  const options = { copyCount: 2, bufferBytesMax: 1_000_000, pollMs: 2, lateMs: 2000, deadlineMs: 30_000, ...wish };
  const control = new ControlArea(volumes.map(openInProcessChannel), options);
  opened.push(control);
  return control;
}

const volumesOf = (count: number): FakeVolume[] => Array.from({ length: count }, (_, i) => new FakeVolume(`v${i + 1}`));

function item(number: number, sizeBytes = 4): StoredItem {
  const bytes = new Uint8Array(Math.max(4, sizeBytes));
  new DataView(bytes.buffer).setUint32(0, number);
  return { kind: STORED_KIND.package, bytes };
}

const numbersOn = (volume: FakeVolume): readonly number[] =>
  volume.items.map(({ bytes }) => new DataView(bytes.buffer).getUint32(0));

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("copies", () => {
  test("lie on distinct volumes, and work goes round", async () => {
    const volumes = volumesOf(3);
    const control = open(volumes);
    const copies = await Promise.all(Array.from({ length: 30 }, (_, i) => control.store(item(i))));
    for (const copy of copies) expect(new Set(copy.map(({ volumeId }) => volumeId)).size).toBe(2);
    for (const volume of volumes) expect(volume.items.length).toBeGreaterThanOrEqual(15);
  });

  test("are the same bytes on each", async () => {
    const volumes = volumesOf(2);
    await open(volumes).store(item(7, 100));
    expect(volumes[0]?.items[0]?.bytes).toEqual(volumes[1]?.items[0]?.bytes);
  });

  test("need as many volumes", () => {
    expect(() => open(volumesOf(1))).toThrow(expect.objectContaining({ code: "ERR_SERVER_CONFIG" }));
  });
});

test("items go to a volume in the order in which they came", async () => {
  const volumes = volumesOf(2);
  const control = open(volumes);
  await Promise.all(Array.from({ length: 200 }, (_, i) => control.store(item(i))));
  for (const volume of volumes) expect(numbersOn(volume)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

describe("a volume that fails an item", () => {
  test("is replaced at once by another", async () => {
    const volumes = volumesOf(3);
    const control = open(volumes);
    const [broken] = volumes;
    if (broken) broken.failure = "ERR_VOLUME_DOWN";
    for (let i = 0; i < 6; i += 1) {
      const copies = await control.store(item(i));
      expect(copies.map(({ volumeId }) => volumeId).toSorted()).toEqual(["v2", "v3"]);
    }
  });

  test("gets it again when no other is left, without spinning", async () => {
    const volumes = volumesOf(2);
    const control = open(volumes, { pollMs: 10 });
    const [broken] = volumes;
    if (broken) broken.failure = "ERR_VOLUME_FULL";
    const stored = control.store(item(1));
    await rest(100);
    expect(broken?.appendCount).toBeGreaterThan(1);
    expect(broken?.appendCount).toBeLessThan(15);
    if (broken) broken.failure = undefined;
    expect((await stored).map(({ volumeId }) => volumeId).toSorted()).toEqual(["v1", "v2"]);
    expect(volumes[1]?.items).toHaveLength(1);
  });

  test("that is down or full is left alone until it is up", async () => {
    const volumes = volumesOf(2);
    const control = open(volumes);
    const [broken] = volumes;
    if (broken) broken.state = "full";
    const stored = control.store(item(1));
    await rest(30);
    expect(broken?.appendCount).toBe(0);
    expect(control.state.channels).toContainEqual(expect.objectContaining({ volumeId: "v1", state: "full" }));
    if (broken) broken.state = "up";
    await stored;
  });
});

test("a volume that hangs delays what it has, not what comes after its window", async () => {
  const volumes = volumesOf(3);
  const control = open(volumes, { bufferBytesMax: 1e9 });
  volumes[0]?.hold();
  const stored = Array.from({ length: 400 }, (_, i) => control.store(item(i)));
  const settled = await Promise.race([Promise.allSettled(stored), rest(500)]);
  expect(settled).toBeUndefined();
  expect(volumes[0]?.items).toEqual([]);
  const waiting = control.state.bufferedItems;
  expect(waiting).toBeLessThanOrEqual(CHANNEL_WINDOW.itemCount);
  volumes[0]?.release();
  await Promise.all(stored);
  expect(control.state).toMatchObject({ bufferedItems: 0, bufferedBytes: 0 });
});

describe("a volume that is slow", () => {
  test("holds up nobody: what it has goes to another as well, and what it acknowledges late harms nothing", async () => {
    const volumes = volumesOf(3);
    const control = open(volumes, { lateMs: 20 });
    const [slow] = volumes;
    slow?.hold();
    const copies = await Promise.all(Array.from({ length: 12 }, (_, i) => control.store(item(i))));
    for (const copy of copies) expect(copy.map(({ volumeId }) => volumeId).toSorted()).toEqual(["v2", "v3"]);
    slow?.release();
    await rest(20);
    for (const copy of copies) expect(copy).toHaveLength(2);
    expect(control.state).toMatchObject({ bufferedItems: 0, bufferedBytes: 0 });
  });

  test("gets less than those that are quick", async () => {
    const volumes = volumesOf(3);
    const control = open(volumes);
    const [slow] = volumes;
    slow?.hold();
    const first = control.store(item(0));
    const second = control.store(item(1));
    for (let i = 2; i < 12; i += 1) await control.store(item(i));
    expect(slow?.appendCount).toBe(1);
    slow?.release();
    await Promise.all([first, second]);
  });

  test("is waited for when there is no other, and nothing behind it stops", async () => {
    const volumes = volumesOf(2);
    const control = open(volumes, { lateMs: 5 });
    const [slow, quick] = volumes;
    slow?.hold();
    const stored = Promise.all(Array.from({ length: 5 }, (_, i) => control.store(item(i))));
    await rest(30);
    expect(quick?.items).toHaveLength(5);
    slow?.release();
    expect(await stored).toHaveLength(5);
  });
});

describe("room", () => {
  test("is refused when the buffer is full, and there again when it is not", async () => {
    const volumes = volumesOf(2);
    const control = open(volumes, { bufferBytesMax: 1000 });
    for (const volume of volumes) volume.hold();
    control.requireRoom();
    const stored = control.store(item(1, 1000));
    expect(() => control.requireRoom()).toThrow(expect.objectContaining({ code: "ERR_BUFFER_FULL", retryable: true }));
    for (const volume of volumes) volume.release();
    await stored;
    control.requireRoom();
  });

  test("is refused when too few volumes work", () => {
    const volumes = volumesOf(3);
    const control = open(volumes);
    for (const volume of volumes.slice(0, 2)) volume.state = "down";
    expect(() => control.requireRoom()).toThrow(expect.objectContaining({ code: "ERR_STORE_UNAVAILABLE" }));
    if (volumes[0]) volumes[0].state = "up";
    control.requireRoom();
  });
});

describe("an item that cannot be stored", () => {
  test("is given back at the deadline, also when one copy is there", async () => {
    const volumes = volumesOf(2);
    const control = open(volumes, { deadlineMs: 40 });
    if (volumes[0]) volumes[0].state = "down";
    await expect(control.store(item(1))).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE", retryable: true });
    expect(volumes[1]?.items).toHaveLength(1);
    expect(control.state).toMatchObject({ bufferedItems: 0, bufferedBytes: 0 });
  });

  test("does not come back when a volume that held it answers late", async () => {
    const volumes = volumesOf(2);
    const control = open(volumes, { deadlineMs: 30 });
    for (const volume of volumes) volume.hold();
    const stored = control.store(item(1));
    await expect(stored).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    if (volumes[0]) volumes[0].failure = "ERR_VOLUME_DOWN";
    for (const volume of volumes) volume.release();
    await expect.poll(() => control.state.bufferedItems).toBe(0);
    await rest(20);
    expect(volumes.map(({ appendCount }) => appendCount)).toEqual([1, 1]);
  });

  test("is given back when the server stops", async () => {
    const volumes = volumesOf(2);
    const control = open(volumes);
    for (const volume of volumes) volume.state = "down";
    const stored = control.store(item(1));
    control.close();
    await expect(stored).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    await expect(control.store(item(2))).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
  });
});

test("whatever volumes do, each item is stored in two copies on two volumes or given back, and the buffer empties", async () => {
  const step = fc.record({
    volume: fc.nat(2),
    act: fc.constantFrom("fail", "heal", "hold", "release", "store", "store", "store"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const volumes = volumesOf(3);
      const control = open(volumes, { pollMs: 1, deadlineMs: 2000 });
      const stored: Promise<readonly { volumeId: string }[]>[] = [];
      for (const { volume: index, act } of steps) {
        const volume = volumes[index];
        if (!volume) continue;
        if (act === "fail") volume.failure = "ERR_VOLUME_DOWN";
        if (act === "heal") volume.failure = undefined;
        if (act === "hold") volume.hold();
        if (act === "release") volume.release();
        if (act === "store") stored.push(control.store(item(stored.length)));
        await Promise.resolve();
      }
      for (const volume of volumes) {
        volume.failure = undefined;
        volume.release();
      }
      const copies = await Promise.all(stored);
      for (const [number, placed] of copies.entries()) {
        expect(new Set(placed.map(({ volumeId }) => volumeId)).size).toBe(2);
        for (const { volumeId } of placed) {
          const volume = volumes.find(({ id }) => id === volumeId);
          expect(volume && numbersOn(volume)).toContain(number);
        }
      }
      expect(control.state).toMatchObject({ bufferedItems: 0, bufferedBytes: 0 });
      control.close();
    }),
    { numRuns: 60 },
  );
});
