/** A process that appends to a volume twice and says when each append was acknowledged. */
import { systemRandom } from "@pericard/crypto";
import { appendFileSync } from "node:fs";
import { openDirectoryVolume } from "../../src/volumes/directory-volume.ts";
import { STORED_KIND } from "../../src/volumes/volume.ts";

const [path = ""] = process.argv.slice(2);
const monotonicMs = () => performance.now();
const options = { deadlineMs: 60_000, retryMs: 1000, monotonicMs, nowUnixMs: () => 0, random: systemRandom };
const volume = await openDirectoryVolume(path, options);
for (const sizeBytes of [10, 9 * 1024 * 1024]) {
  const item = { kind: STORED_KIND.package, bytes: systemRandom(sizeBytes) };
  await volume.append([item, item]);
  appendFileSync(process.env["PERICARD_TRACE"] ?? "", "acknowledged\n");
}
await volume.close();
