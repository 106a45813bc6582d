/** Buckets of a configuration, each ready to be opened. The S3 client is loaded when there is one. */
import { readFileSync } from "node:fs";
import type { BucketConfig } from "../config.ts";
import { ServerError } from "../errors.ts";
import type { BucketVolumeOptions } from "./bucket-volume.ts";

function readSecret(path: string): string {
  try {
    const secret = readFileSync(path, "utf8").trim();
    if (secret !== "") return secret;
  } catch (cause) {
    throw new ServerError("ERR_SERVER_CONFIG", `secret of a bucket cannot be read from ${path}`, { cause });
  }
  throw new ServerError("ERR_SERVER_CONFIG", `secret of a bucket in ${path} is empty`);
}

/** What opens each bucket, in the order of the configuration. `open` rejects as {@link openBucketVolume} does. */
export function bucketsToOpen(buckets: readonly BucketConfig[], options: BucketVolumeOptions) {
  return buckets.map((bucket) => ({
    place: `${bucket.endpoint}/${bucket.bucket}`,
    open: async () => {
      const secret = readSecret(bucket.secretFile);
      const { openBucketVolume } = await import("./bucket-volume.ts");
      return openBucketVolume(bucket, secret, options);
    },
  }));
}
