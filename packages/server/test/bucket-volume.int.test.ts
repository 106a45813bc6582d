/** Buckets as volumes, on a real S3 server. */
import { systemRandom } from "@pericard/crypto";
import { utf8 } from "@pericard/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { openBucketVolume } from "../src/volumes/bucket-volume.ts";
import { encodePackObject, packName } from "../src/volumes/pack-object.ts";
import { STORED_KIND, type StoredItem, type Volume } from "../src/volumes/volume.ts";
import { describeServices } from "./support/services.ts";
import { createTestBucket, type Lie, type TestBucket } from "./support/test-bucket.ts";
import { describeVolumeContract, scanned } from "./volume-contract.ts";

const clock = { nowMs: 0 };
const cleaning: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

const isPut = (asked: { readonly method?: string | undefined }): boolean => asked.method === "PUT";
const item = (sizeBytes: number): StoredItem => ({ kind: STORED_KIND.package, bytes: systemRandom(sizeBytes) });

async function open({ place, secret }: Pick<TestBucket, "place" | "secret">, deadlineMs = 10_000): Promise<Volume> {
  const volume = await openBucketVolume(place, secret, {
    deadlineMs,
    retryMs: 5000,
    monotonicMs: () => clock.nowMs,
    nowUnixMs: () => clock.nowMs,
    random: systemRandom,
    onWarning: () => undefined,
  });
  cleaning.push(() => volume.close());
  return volume;
}

describeServices(["radosgw"], "buckets", (services) => {
  const bucketOf = async (): Promise<TestBucket> => {
    const bucket = await createTestBucket(services);
    cleaning.push(() => bucket.remove());
    return bucket;
  };

  describeVolumeContract("a bucket", clock, async () => {
    const bucket = await bucketOf();
    return {
      open: () => open(bucket),
      harm: async ({ fileNumber }, change) => {
        const name = packName(fileNumber);
        await bucket.put(name, change(await bucket.get(name)));
      },
      takeAway: () => bucket.proxy.close(),
      bringBack: () => bucket.proxy.open(),
    };
  });

  test("two that open a new bucket at once are the same volume, and neither overwrites the other", async () => {
    const bucket = await bucketOf();
    const [one, two] = await Promise.all([open(bucket), open(bucket)]);
    expect(one.id).toBe(two.id);
    const items = Array.from({ length: 20 }, () => item(100));
    await Promise.all(items.map((each, i) => (i % 2 ? one : two).append([each])));
    expect((await scanned(one)).map(({ bytes }) => bytes.join())).toHaveLength(20);
    expect(new Set((await scanned(two)).map(({ bytes }) => bytes.join()))).toEqual(
      new Set(items.map(({ bytes }) => bytes.join())),
    );
  });

  test("a pack that another wrote under the drawn number stays as it is", async () => {
    const bucket = await bucketOf();
    const numbers = [7, 7, 8];
    const random = (sizeBytes: number): Uint8Array => {
      const bytes = systemRandom(sizeBytes);
      if (sizeBytes !== 8) return bytes;
      bytes.fill(0);
      bytes[7] = numbers.shift() ?? 9;
      return bytes;
    };
    const volume = await openBucketVolume(bucket.place, bucket.secret, {
      deadlineMs: 10_000,
      retryMs: 5000,
      monotonicMs: () => clock.nowMs,
      nowUnixMs: () => clock.nowMs,
      random,
      onWarning: () => undefined,
    });
    cleaning.push(() => volume.close());
    const [first] = await volume.append([item(10)]);
    const before = await bucket.get(packName(7));
    const [second] = await volume.append([item(10)]);
    expect([first?.fileNumber, second?.fileNumber]).toEqual([7, 8]);
    expect(await bucket.get(packName(7))).toEqual(before);
  });

  test("what else lies in the bucket is no pack", async () => {
    const bucket = await bucketOf();
    const volume = await open(bucket);
    await volume.append([item(10)]);
    for (const name of ["pack-1.cbor", "pack-99999999999999999999.cbor", "pack-9999999999999999.cbor", "other"]) {
      await bucket.put(name, utf8("something"));
    }
    expect(await scanned(volume)).toHaveLength(1);
  });

  test("more packs than a page of a list are scanned", async () => {
    const bucket = await bucketOf();
    const volume = await open(bucket);
    const pack = encodePackObject([item(10)]).bytes;
    const numbers = Array.from({ length: 1020 }, (_, i) => i);
    const putSome = async (): Promise<void> => {
      for (let next = numbers.shift(); next !== undefined; next = numbers.shift())
        await bucket.put(packName(next), pack);
    };
    await Promise.all(Array.from({ length: 16 }, putSome));
    expect(await scanned(volume)).toHaveLength(1020);
  });

  test("a server that hangs makes it down at the deadline", async () => {
    const bucket = await bucketOf();
    const volume = await open(bucket, 300);
    const [copy] = await volume.append([item(10)]);
    bucket.proxy.isHung = true;
    await expect(volume.append([item(1)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN", retryable: true });
    expect(volume.state).toBe("down");
    clock.nowMs += 5001;
    if (copy) await expect(volume.read(copy)).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
    bucket.proxy.isHung = false;
    clock.nowMs += 5001;
    expect(copy && (await volume.read(copy))).toHaveLength(10);
  });

  test("a put whose answer is lost is not acknowledged, and its pack does no harm", async () => {
    const bucket = await bucketOf();
    const volume = await open(bucket);
    bucket.proxy.lie = (asked, status) => (asked.method === "PUT" ? 500 : status);
    await expect(volume.append([item(10)])).rejects.toMatchObject({ code: "ERR_VOLUME_DOWN" });
    bucket.proxy.lie = (_, status) => status;
    clock.nowMs += 5001;
    await expect.poll(() => volume.state, { timeout: 10_000 }).toBe("up");
    await volume.append([item(20)]);
    expect((await scanned(volume)).map(({ bytes }) => bytes.length)).toContain(20);
  });

  test("a server without room makes it full", async () => {
    const bucket = await bucketOf();
    const volume = await open(bucket);
    bucket.proxy.lie = (asked, status) => (asked.method === "PUT" ? 507 : status);
    await expect(volume.append([item(10)])).rejects.toMatchObject({ code: "ERR_VOLUME_FULL" });
    expect(volume.state).toBe("full");
  });

  test.each(["{}", "null", "not json", ""])("an identity of %s is refused", async (text) => {
    const bucket = await bucketOf();
    await bucket.put("volume.json", utf8(text));
    await expect(open(bucket)).rejects.toMatchObject({ code: "ERR_VOLUME_IDENTITY" });
  });

  describe("a server is refused that", () => {
    const lies: readonly [string, Lie, RegExp][] = [
      ["overwrites in spite of If-None-Match", (_, status) => (status === 412 ? 200 : status), /overwrites/],
      [
        "does not know If-None-Match",
        (asked, status) => (isPut(asked) && status === 200 ? 501 : status),
        /answers 501/,
      ],
      ["takes a wrong Content-MD5", (asked, status) => (isPut(asked) && status === 400 ? 200 : status), /Content-MD5/],
      ["lets in a wrong secret", (_, status) => (status === 403 ? 200 : status), /wrong secret/],
      [
        "loses what it took",
        (asked, status) => (asked.method === "GET" && status === 200 && asked.url?.includes("/probe-") ? 404 : status),
        /does not give back/,
      ],
    ];
    test.each(lies)("%s", async (_, lie, message) => {
      const bucket = await bucketOf();
      bucket.proxy.lie = lie;
      const refused = open(bucket);
      await expect(refused).rejects.toMatchObject({
        code: "ERR_BUCKET_REFUSED",
        message: expect.stringMatching(message),
      });
      expect(await bucket.names()).not.toContain("volume.json");
    });

    test("keeps what was removed", async () => {
      const bucket = await bucketOf();
      bucket.proxy.swallows = ({ method }) => method === "DELETE";
      await expect(open(bucket)).rejects.toMatchObject({
        code: "ERR_BUCKET_REFUSED",
        message: expect.stringMatching(/removed/),
      });
    });

    test("does not have the bucket, or gives it to nobody with this key", async () => {
      const bucket = await bucketOf();
      const absent = { ...bucket.place, bucket: `${bucket.place.bucket}-none` };
      await expect(open({ place: absent, secret: bucket.secret })).rejects.toMatchObject({
        code: "ERR_BUCKET_REFUSED",
      });
      await expect(open({ place: bucket.place, secret: "wrong" })).rejects.toMatchObject({
        code: "ERR_BUCKET_REFUSED",
      });
    });
  });

  test("a probe leaves nothing, and a bucket without object lock is warned about", async () => {
    const bucket = await bucketOf();
    const warnings: string[] = [];
    const volume = await openBucketVolume(bucket.place, bucket.secret, {
      deadlineMs: 10_000,
      retryMs: 5000,
      monotonicMs: () => clock.nowMs,
      nowUnixMs: () => clock.nowMs,
      random: systemRandom,
      onWarning: (message) => warnings.push(message),
    });
    await volume.close();
    expect(await bucket.names()).toEqual(["volume.json"]);
    expect(warnings).toEqual([expect.stringContaining("no object lock")]);
  });
});
