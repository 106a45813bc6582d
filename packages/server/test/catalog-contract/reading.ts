/** The contract of the catalog: recordings, segments, holes and summaries. */
import type { PackageItem, TenantId } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import { UNSUMMARISED_STREAMS_MAX, type Catalog } from "../../src/catalog/catalog.ts";
import {
  drawBoot,
  drawHash,
  drawPatient,
  drawRecording,
  drawTenant,
  drawTerminal,
  FRAMES,
  rowOf,
  store,
  StreamBench,
} from "./bench.ts";

const places = (from: number, to: number) => ({ fromFrame: from * FRAMES, toFrame: to * FRAMES });

const sealed = (value: number) => new Uint8Array(500).fill(value);

const summary = (sequence: number, value = 1, suspect = false) => ({ sequence, suspect, sealed: sealed(value) });

export function describeReading(catalog: () => Catalog): void {
  const put = async (tenant: TenantId, patient = drawPatient(), receivedAtUnixMs = 1000) => {
    const stream = new StreamBench({ tenant, patient });
    await store(catalog(), stream.package(stream.next(), { receivedAtUnixMs }));
    return stream.facts.recording;
  };

  describe("recordings", () => {
    test("of a patient come newest first, and of nobody else", async () => {
      const [tenant, patient] = [drawTenant(), drawPatient()];
      const old = await put(tenant, patient, 2000);
      const newest = await put(tenant, patient, 9000);
      const middle = await put(tenant, patient, 5000);
      const sameTime = await put(tenant, patient, 5000);
      await put(tenant);
      await put(drawTenant(), patient);
      const rows = await catalog().listRecordings(tenant, patient);
      expect(rows.map(({ id }) => id)).toEqual([newest, sameTime, middle, old]);
      expect(rows[0]?.streams).toHaveLength(1);
      expect(await catalog().listRecordings(tenant, drawPatient())).toEqual([]);
    });

    test("are summed up for the patients that are asked for", async () => {
      const [tenant, first, second] = [drawTenant(), drawPatient(), drawPatient()];
      await put(tenant, first, 2000);
      const newest = await put(tenant, first, 7000);
      const only = await put(tenant, second, 3000);
      await put(tenant);
      await put(drawTenant(), first, 99_000);
      const rows = await catalog().summarisePatients(tenant, [first, drawPatient(), second]);
      expect(new Set(rows)).toEqual(
        new Set([
          { patient: first, recordingCount: 2, latestReceivedUnixMs: 7000, newestRecording: newest },
          { patient: second, recordingCount: 1, latestReceivedUnixMs: 3000, newestRecording: only },
        ]),
      );
      expect(await catalog().summarisePatients(tenant, [])).toEqual([]);
    });

    test("of several streams count once", async () => {
      const one = new StreamBench();
      const other = new StreamBench({ ...one.facts, stream: 1 });
      await catalog().storePackages([one.package(one.next()), other.package(other.next(), { receivedAtUnixMs: 5000 })]);
      const { tenant, patient, recording } = one.facts;
      const rows = await catalog().summarisePatients(tenant, patient ? [patient] : []);
      expect(rows).toEqual([{ patient, recordingCount: 1, latestReceivedUnixMs: 5000, newestRecording: recording }]);
    });

    test("may be nobody's", async () => {
      const stream = new StreamBench({ patient: null });
      await store(catalog(), stream.package(stream.next()));
      expect((await rowOf(catalog(), stream.facts)).patient).toBeNull();
    });

    test("know the one before as soon as it was told, and the next of their terminal", async () => {
      const terminal = drawTerminal();
      const first = new StreamBench({ terminal });
      const predecessor = { recording: first.facts.recording, cause: "restart" } as const;
      const next = new StreamBench({ terminal });
      const foreign = new StreamBench({}, { predecessor });
      await store(catalog(), first.package(first.next()));
      await store(catalog(), foreign.package(foreign.next()));
      const [a, b] = next.next(2) as [PackageItem, PackageItem];
      await store(catalog(), next.package([b]));
      expect(await rowOf(catalog(), next.facts)).toMatchObject({ predecessor: null, predecessorCause: null });
      expect((await rowOf(catalog(), first.facts)).successor).toBeNull();
      await store(catalog(), next.package([a], { descriptor: { ...next.descriptor, predecessor } }));
      expect(await rowOf(catalog(), next.facts)).toMatchObject({
        predecessor: first.facts.recording,
        predecessorCause: "restart",
      });
      const successor = { recording: next.facts.recording, cause: "restart" };
      expect((await rowOf(catalog(), first.facts)).successor).toEqual(successor);
    });

    test("begin when the best word says", async () => {
      const [terminal, bootId] = [drawTerminal(), drawBoot()];
      const claimed = { unixMs: -8_640_000_000_000, zoneOffsetMinutes: -600 };
      const silent = new StreamBench({ terminal });
      const claiming = new StreamBench({ terminal }, { claimed });
      const booted = new StreamBench({ terminal }, { claimed, boot: { bootId, monotonicMs: 5000 } });
      booted.next(25);
      // Two leads at 250 Hz: item 24 begins at frame 240, 960 ms after the recording.
      for (const stream of [silent, claiming]) await store(catalog(), stream.package(stream.next()));
      await store(catalog(), booted.package(booted.items.slice(24)));
      const startOf = async ({ facts }: StreamBench) => (await rowOf(catalog(), facts)).start;
      expect(await startOf(silent)).toEqual({ unixMs: null, certainty: "unknown" });
      expect(await startOf(claiming)).toEqual({ unixMs: claimed.unixMs, certainty: "claimed" });
      expect(await startOf(booted)).toEqual({ unixMs: claimed.unixMs - 960, certainty: "claimed" });
      const status = {
        terminal,
        contact: 1,
        receivedAtUnixMs: 1,
        bootId,
        bootOffsetMs: 70_000,
        statusJson: "{}",
        heads: [],
      };
      await catalog().storeStatus(status);
      expect(await startOf(booted)).toEqual({ unixMs: 70_000 + 5000 - 960, certainty: "measured" });
      const late = { ...booted.descriptor, boot: { bootId, monotonicMs: 9000 } };
      const beside = new StreamBench({ ...booted.facts, stream: 3 }, late);
      await store(catalog(), beside.package(beside.next()));
      const row = await rowOf(catalog(), booted.facts);
      expect(row.start).toEqual(row.streams[0]?.start);
      expect(row.streams[1]?.start).toEqual({ unixMs: 70_000 + 9000, certainty: "measured" });
    });
  });

  describe("segments", () => {
    test("of a stretch are those that touch it, in order, as many as asked", async () => {
      const stream = new StreamBench();
      const items = stream.next(12);
      await store(catalog(), stream.package(items.slice(6)));
      await store(catalog(), stream.package(items.slice(0, 6)));
      const { key } = await rowOf(catalog(), stream.facts);
      const found = async (from: number, to: number, limit = 100) =>
        (await catalog().findSegments(key, 0, from, to, limit)).map(({ sequence }) => sequence);
      expect(await found(0, 1)).toEqual([0]);
      expect(await found(FRAMES, 2 * FRAMES)).toEqual([1]);
      expect(await found(FRAMES - 1, 2 * FRAMES + 1)).toEqual([0, 1, 2]);
      expect(await found(0, 1e9)).toHaveLength(12);
      expect(await found(3 * FRAMES, 1e9, 2)).toEqual([3, 4]);
      expect(await found(12 * FRAMES, 1e9)).toEqual([]);
      expect(await catalog().findSegments(key + 1e6, 0, 0, 1e9, 9)).toEqual([]);
    });

    test("are found by their place", async () => {
      const stream = new StreamBench();
      const stored = stream.package(stream.next(2));
      await store(catalog(), stored);
      const { key } = await rowOf(catalog(), stream.facts);
      const found = await catalog().findPlacement(key, 0, 1);
      expect(found).toMatchObject({ sequence: 1, item: 1, hash: stream.items[1]?.hash, copies: stored.copies });
      expect(await catalog().findPlacement(key, 0, 2)).toBeNull();
      expect(await catalog().findPlacement(key, 1, 1)).toBeNull();
    });

    test("from a sequence on are in order, as many as asked, also those without a frame", async () => {
      const stream = new StreamBench();
      const other = new StreamBench({ ...stream.facts, stream: 1 });
      const items = stream.next(5);
      const empty = { ...(items[4] as PackageItem), frameCount: 0 };
      await store(catalog(), stream.package(items.slice(2, 4)));
      const stored = stream.package([items[0] as PackageItem, empty]);
      await catalog().storePackages([stored, other.package(other.next(2))]);
      const { key } = await rowOf(catalog(), stream.facts);
      const found = async (from: number, limit: number) =>
        (await catalog().findPlacementsFrom(key, 0, from, limit)).map(({ sequence }) => sequence);
      expect(await found(0, 9)).toEqual([0, 2, 3, 4]);
      expect(await found(1, 2)).toEqual([2, 3]);
      expect(await found(5, 9)).toEqual([]);
      const [last] = await catalog().findPlacementsFrom(key, 0, 4, 1);
      expect(last).toMatchObject({ sequence: 4, item: 1, hash: empty.hash, copies: stored.copies });
    });

    test("that are missing are pending, given up, or a gap of time", async () => {
      const stream = new StreamBench();
      const items = stream.next(9);
      const late = stream.at(9, { firstFrame: 9 * FRAMES + 4 });
      const kept = [2, 3, 6, 8].map((sequence) => items[sequence] as PackageItem);
      for (const item of [...kept, late]) await store(catalog(), stream.package([item]));
      const { recording } = stream.facts;
      const giveUp = (sequence: number, stream = 0) =>
        catalog().storeGap({ recording, stream, sequence, cause: "unreadable", hash: drawHash() });
      await giveUp(4);
      await giveUp(5);
      await giveUp(7, 1);
      const { key } = await rowOf(catalog(), stream.facts);
      expect(await catalog().findMissing(key, 0)).toEqual([
        { ...places(0, 2), cause: "pending", sequenceCount: 2 },
        { ...places(4, 6), cause: "unreadable", sequenceCount: 2 },
        { ...places(7, 8), cause: "pending", sequenceCount: 1 },
        { fromFrame: 9 * FRAMES, toFrame: 9 * FRAMES + 4, cause: "gap", sequenceCount: 0 },
      ]);
      expect(await catalog().findMissing(key, 1)).toEqual([]);
    });
  });

  test("a gap is kept for its place, the last word counts", async () => {
    const place = [drawRecording(), 2, 2 ** 32 - 1] as const;
    const [recording, stream, sequence] = place;
    expect(await catalog().findGapHash(...place)).toBeNull();
    for (const hash of [drawHash(), drawHash()]) {
      await catalog().storeGap({ recording, stream, sequence, cause: "quarantined", hash });
      expect(await catalog().findGapHash(...place)).toEqual(hash);
    }
    expect(await catalog().findGapHash(recording, 1, sequence)).toBeNull();
  });

  /** Looks until nothing is left to look at. */
  async function unsummarised(limit: number) {
    const segments = [];
    for (let more = true; more;) {
      const found = await catalog().findUnsummarised(limit);
      expect(found.segments.length).toBeLessThanOrEqual(limit);
      for (const { recording, stream, sequence } of found.segments) {
        segments.push({ recording, stream, sequence });
        await catalog().storeSummaries((await rowOf(catalog(), { recording })).key, stream, [summary(sequence)]);
      }
      more = found.more;
    }
    return segments;
  }

  describe("summaries", () => {
    test("come back in order, the last word of each", async () => {
      const stream = new StreamBench();
      await store(catalog(), stream.package(stream.next(5)));
      const { key } = await rowOf(catalog(), stream.facts);
      await catalog().storeSummaries(
        key,
        0,
        [3, 1, 2].map((sequence) => summary(sequence)),
      );
      await catalog().storeSummaries(key, 0, [summary(2, 7, true)]);
      await catalog().storeSummaries(key, 0, []);
      expect(await catalog().findSummaries(key, 0, 2, 3)).toEqual([summary(2, 7, true), summary(3)]);
      expect(await catalog().findSummaries(key, 0, 0, 99)).toHaveLength(3);
      expect(await catalog().findSummaries(key, 1, 0, 99)).toEqual([]);
    });

    test("that are missing are all found, of waveforms, and each once", async () => {
      await unsummarised(64);
      const streams = Array.from({ length: 2 * UNSUMMARISED_STREAMS_MAX + 1 }, () => new StreamBench());
      for (const stream of streams) await store(catalog(), stream.package(stream.next(3)));
      const [first] = streams as [StreamBench];
      const second = new StreamBench({ ...first.facts, stream: 4 });
      const observed = { ...first.descriptor, kind: 2 } as unknown as StreamBench["descriptor"];
      await store(catalog(), second.package(second.next()));
      await store(catalog(), second.package(second.next(1), { stream: 5, descriptor: observed }));
      await catalog().storeSummaries((await rowOf(catalog(), first.facts)).key, 0, [summary(1)]);
      const wanted = streams.flatMap(({ facts: { recording } }) =>
        [0, 1, 2].map((sequence) => ({ recording, stream: 0, sequence })),
      );
      wanted.splice(1, 1);
      const found = await unsummarised(20);
      expect(found).toHaveLength(wanted.length + 1);
      expect(new Set(found)).toEqual(
        new Set([...wanted, { recording: first.facts.recording, stream: 4, sequence: 0 }]),
      );
      expect(await catalog().findUnsummarised(64)).toEqual({ segments: [], more: false });
      await store(catalog(), first.package(first.next()));
      expect(await unsummarised(64)).toEqual([{ recording: first.facts.recording, stream: 0, sequence: 3 }]);
    });
  });
}
