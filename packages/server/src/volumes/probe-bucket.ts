/**
 * What a bucket must do before it may hold packages, tried and not believed: several S3 servers ignore what they do not know, and
 * an ignored condition overwrites a pack. Source: docs/format.md §10.5.
 */
import { toHex, utf8 } from "@pericard/protocol";
import { contentMd5, type RandomSource } from "@pericard/crypto";
import { ServerError } from "../errors.ts";
import type { S3Bucket } from "./s3-bucket.ts";

const PROBE_BYTES = 1024;

function refuse(what: string): never {
  throw new ServerError("ERR_BUCKET_REFUSED", `bucket ${what}`);
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && toHex(a) === toHex(b);
}

/**
 * Tries the bucket with an object of its own, which is removed again.
 *
 * @param stranger the same bucket with a secret that is not the right one.
 * @throws {ServerError} ERR_BUCKET_REFUSED naming what the server does wrong; ERR_VOLUME_DOWN when it does not answer.
 */
export async function probeBucket(bucket: S3Bucket, stranger: S3Bucket, random: RandomSource): Promise<void> {
  const access = await bucket.askList();
  if (access !== "allowed") refuse(`is not there or not open to this access key: it answers ${access}`);
  const asked = await stranger.askList();
  if (asked === "allowed") refuse("lets in a caller with a wrong secret");
  const name = `probe-${toHex(random(16))}`;
  try {
    await probeWrites(bucket, name, random);
  } finally {
    await bucket.remove(name).catch(() => undefined);
  }
  if ((await bucket.get(name, PROBE_BYTES)) !== undefined) refuse("still gives an object that was removed");
}

async function probeWrites(bucket: S3Bucket, name: string, random: RandomSource): Promise<void> {
  const bytes = random(PROBE_BYTES);
  const broken = await bucket.putNew(name, bytes, contentMd5(utf8("of something else")));
  if (broken === "stored") refuse("takes an object whose Content-MD5 is wrong: what is damaged on the way is kept");
  const first = await bucket.putNew(name, bytes);
  if (first !== "stored") refuse(`does not take an object under If-None-Match: it answers ${first}`);
  const second = await bucket.putNew(name, random(PROBE_BYTES));
  if (second !== "exists") refuse("overwrites an object in spite of If-None-Match: two writers would lose packs");
  if (!same(await bucket.get(name, PROBE_BYTES), bytes)) refuse("does not give back what it took");
  const range = { offsetBytes: 100, sizeBytes: 10 };
  const part = await bucket.get(name, PROBE_BYTES, range);
  if (!same(part, bytes.subarray(100, 110))) refuse("does not give the part of an object that is asked for");
  const listed: string[] = [];
  for await (const page of bucket.list(name)) listed.push(...page.map((object) => object.name));
  if (!listed.includes(name)) refuse("does not list what it just took");
}
