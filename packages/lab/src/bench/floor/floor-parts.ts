/** Each part of the floor alone, in a tight loop, in microseconds of processor time per segment. */
import { processorMicroseconds } from "../child-serve.ts";
import { findEncoded, findEnvelopeParts, findSegmentParts } from "./envelope-parts.ts";
import type { FloorRow } from "./floor-row.ts";
import type { FloorStore } from "./floor-store.ts";
import { terminalOf, type FloorKeys } from "./floor.ts";
import {
  digest,
  openContent,
  openContentKey,
  openSegmentPlain,
  sealPackageBare,
  signReceipt,
  verifyEnvelope,
} from "./steps.ts";

/** One part and what it costs. */
export interface FloorPart {
  readonly name: string;
  readonly microseconds: number;
}

/** Everything that each step of one envelope needs, made beforehand. */
function unfold(keys: FloorKeys, body: Buffer) {
  const envelope = findEnvelopeParts(body);
  const terminal = terminalOf(keys, envelope.routing);
  const contentKey = openContentKey(keys.recipient, terminal.transportKey, envelope);
  const sealed = openContent(contentKey, envelope);
  const segment = findSegmentParts(sealed);
  const plain = openSegmentPlain(terminal.storageKey, segment);
  const encoded = findEncoded(plain);
  const hash = digest(sealed, encoded);
  const bytes = sealPackageBare(terminal.dataKey, hash, plain);
  return { body, envelope, terminal, contentKey, sealed, segment, plain, encoded, hash, bytes };
}
type Unfolded = ReturnType<typeof unfold>;

const BATCH = 200;

/** Runs `work` on the samples by turns for about `ms` milliseconds. @returns microseconds of processor time for one. */
function timeLoop(samples: readonly Unfolded[], ms: number, work: (sample: Unfolded) => unknown): number {
  const run = (): void => {
    for (let i = 0; i < BATCH; i += 1) work(samples[i % samples.length] as Unfolded);
  };
  run();
  const endMs = performance.now() + ms;
  const begun = processorMicroseconds();
  let count = 0;
  for (; performance.now() < endMs; count += BATCH) run();
  return (processorMicroseconds() - begun) / count;
}

/** As {@link timeLoop} for work that waits for a thread, in groups of the size that the load made. */
async function timeGroups(groupSize: number, ms: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const size = Math.max(1, Math.round(groupSize));
  const endMs = performance.now() + ms;
  const begun = processorMicroseconds();
  let count = 0;
  for (; performance.now() < endMs; count += size) {
    const first = count;
    await Promise.all(Array.from({ length: size }, (_, i) => work(first + i)));
  }
  return (processorMicroseconds() - begun) / count;
}

function row(sample: Unfolded, number: number, copies: FloorRow["copies"]): FloorRow {
  const { recording, sequence } = sample.segment;
  const { hash, bytes } = sample;
  return { recording, number: -number, sequence, hash, sizeBytes: bytes.length, receivedAtUnixMs: 0, copies };
}

/** Measures every part but HTTP, which needs a load. */
export async function measureParts(
  keys: FloorKeys,
  store: FloorStore,
  bodies: readonly Uint8Array[],
  ms: number,
): Promise<readonly FloorPart[]> {
  const samples = bodies.map((body) => unfold(keys, Buffer.from(body)));
  const sampleAt = (i: number): Unfolded => samples[i % samples.length] as Unfolded;
  const part = (name: string, work: (sample: Unfolded) => unknown): FloorPart => ({
    name,
    microseconds: timeLoop(samples, ms, work),
  });
  const { volume, rows } = store.groupSizes;
  // A package goes to some of the three volumes: for each to get its group, three groups' copies have to be under way.
  const [first = sampleAt(0)] = samples;
  const copies = await store.append(first.bytes);
  const underWay = (3 * volume) / copies.length;
  return [
    part("find parts", ({ body }) => findEnvelopeParts(body)),
    part("verify Ed25519", ({ terminal, envelope }) => verifyEnvelope(terminal.verifyKey, envelope)),
    part("open K_K (HPKE)", ({ terminal, envelope }) =>
      openContentKey(keys.recipient, terminal.transportKey, envelope),
    ),
    part("open C (AES-GCM)", ({ contentKey, envelope }) => openContent(contentKey, envelope)),
    part("open segment (AES-GCM)", ({ terminal, sealed }) =>
      openSegmentPlain(terminal.storageKey, findSegmentParts(sealed)),
    ),
    part("h and P' (SHA-256)", ({ sealed, plain }) => digest(sealed, findEncoded(plain))),
    part("seal package (AES-GCM)", ({ terminal, hash, plain }) => sealPackageBare(terminal.dataKey, hash, plain)),
    { name: "append copies", microseconds: await timeGroups(underWay, ms, (i) => store.append(sampleAt(i).bytes)) },
    {
      name: "write rows",
      microseconds: await timeGroups(rows, ms, (i) => store.addRow(row(sampleAt(i), i + 1, copies))),
    },
    part("sign receipt (Ed25519)", ({ hash }) => signReceipt(keys.receiptKey, hash)),
  ];
}
