/** Many small segments in a server, stored by its own parts: sealed packages on its volumes and their rows, without HTTP. */
import { sealPackage, systemRandom } from "@pericard/crypto";
import type { Terminal } from "@pericard/custody";
import { encodeObservations, SUITE, type PackageItem } from "@pericard/protocol";
import type { StoredPackage } from "../../src/catalog/catalog.ts";
import type { ServerContext } from "../../src/context.ts";
import { STORED_KIND } from "../../src/volumes/volume.ts";
import { drawRecording } from "./test-terminal.ts";
import { CLAIMED_MS, component } from "./test-observations.ts";

/** Segments of one recording at most, and packages that are stored with one sync. */
const RECORDING_SEGMENTS = 1000;
const BATCH = 500;

const PLAIN = encodeObservations([
  { afterMs: 0, claimed: null, device: null, components: [component("8867-4", "/min", 72)] },
]);

const descriptor = {
  kind: 2,
  boot: null,
  claimed: { unixMs: CLAIMED_MS, zoneOffsetMinutes: 0 },
  firstFrame: 0,
  frameCount: 1,
  shape: null,
  predecessor: null,
} as const;

/** Stores so many segments, each in a package of its own, of terminals in turn. */
export async function fill(
  { catalog, keyStore, volumes }: Pick<ServerContext, "catalog" | "keyStore" | "volumes">,
  terminals: readonly Terminal[],
  segmentCount: number,
  copyCount: number,
  onProgress: (stored: number) => void = () => undefined,
): Promise<void> {
  const uses = new Map<string, number>();
  for (let stored = 0; stored < segmentCount; stored += RECORDING_SEGMENTS) {
    const terminal = terminals[(stored / RECORDING_SEGMENTS) % terminals.length] as Terminal;
    const recording = drawRecording();
    const { tenant, serial } = terminal;
    const { dataKey, patient } = await keyStore.obtainRecordingKey(recording, serial, null, CLAIMED_MS);
    let prev: Uint8Array | null = null;
    const count = Math.min(RECORDING_SEGMENTS, segmentCount - stored);
    for (let from = 0; from < count; from += BATCH) {
      const items: PackageItem[] = [];
      for (let sequence = from; sequence < Math.min(count, from + BATCH); sequence += 1) {
        const use = uses.get(serial) ?? 0;
        uses.set(serial, use + 1);
        const hash = systemRandom(32);
        const place = { sequence, hash, prev, final: false, firstFrame: sequence, frameCount: 1 };
        items.push({ ...place, cycle: 0, index: 0, use, policyVersion: 0, sizeBytes: PLAIN.length, codec: "raw" });
        prev = hash;
      }
      const sealed = items.map((item) => {
        const suite = SUITE.pericard1;
        const draft = {
          suite,
          tenant,
          recording,
          stream: 0,
          bodyKind: 2,
          receivedAtUnixMs: CLAIMED_MS,
          items: [item],
        } as const;
        return { kind: STORED_KIND.package, bytes: sealPackage(dataKey, draft, [PLAIN], systemRandom) };
      });
      const copies = await Promise.all(volumes.opened.slice(0, copyCount).map((volume) => volume.append(sealed)));
      const packages = items.map((item, i): StoredPackage => {
        const own = copies.map((all) => all[i]).filter((copy) => copy !== undefined);
        const facts = {
          recording,
          tenant,
          terminal: serial,
          patient,
          descriptor: { ...descriptor, firstFrame: item.firstFrame },
        };
        return { ...facts, stream: 0, receivedAtUnixMs: CLAIMED_MS, items: [item], copies: own };
      });
      const outcomes = await catalog.storePackages(packages);
      if (outcomes.flat().some((outcome) => outcome !== "stored")) throw new Error("a segment was not stored");
    }
    onProgress(stored + count);
  }
}
