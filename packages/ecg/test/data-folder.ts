/** Where the ECG records for tests are, and what happens without them. Tests only. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { describe, test } from "vitest";
import { openWfdbRecord, readBlocks, type SignalFiles, type WfdbRecord } from "../src/index.ts";

const FOLDER = resolve(process.env["PERICARD_ECG_DATA"] ?? join(import.meta.dirname, "../../../../shared/data/ecg"));

/** A suite that needs the records. Without them it is skipped with the remedy in its name; with CI=true it fails. */
export function describeWithData(name: string, suite: () => void): void {
  if (existsSync(join(FOLDER, "SHA256SUMS"))) {
    describe(name, suite);
    return;
  }
  const remedy = `${name}: no ECG records in ${FOLDER}; copy shared/data/ecg there or set PERICARD_ECG_DATA to its path`;
  test.skipIf(process.env["CI"] !== "true")(remedy, () => {
    throw new Error(remedy);
  });
}

/** Names of all headers under the data folder, such as `mitdb/100`. */
export function listRecords(): string[] {
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".hea"))
    .map((file) => file.slice(0, -".hea".length))
    .sort();
}

/** Text of a header. */
export function readHeaderText(record: string): string {
  return readFileSync(join(FOLDER, `${record}.hea`), "utf8");
}

/** Opens a record of the data folder. */
export function openRecord(record: string): Promise<WfdbRecord> {
  return openWfdbRecord(readHeaderText(record), diskFiles(join(FOLDER, dirname(record))));
}

/** All samples of a record, per lead. */
export async function loadRecord(record: string): Promise<{ record: WfdbRecord; leads: Int32Array[]; name: string }> {
  const opened = await openRecord(record);
  return { record: opened, leads: await collectLeads(opened, 4_999), name: basename(record) };
}

/** Reads a record to its end, `framesPerBlock` at a time. */
export async function collectLeads(record: WfdbRecord, framesPerBlock: number): Promise<Int32Array[]> {
  const leads = record.format.leads.map((lead) => new Int32Array(record.frameCount * lead.samplesPerFrame));
  const filled = leads.map(() => 0);
  for await (const block of readBlocks(record, framesPerBlock)) {
    for (const [index, digital] of block.leads.entries()) {
      leads[index]?.set(digital, filled[index]);
      filled[index] = (filled[index] ?? 0) + digital.length;
    }
  }
  return leads;
}

/** Cuts leads into segments of whole frames. */
export function cutSegments(record: WfdbRecord, leads: readonly Int32Array[], seconds: number): Int32Array[][] {
  const { num, den } = record.format.frameRateHz;
  const frames = Math.round((seconds * num) / den);
  const count = Math.ceil(record.frameCount / frames);
  return Array.from({ length: count }, (_, k) =>
    leads.map((lead, index) => {
      const perFrame = record.format.leads[index]?.samplesPerFrame ?? 1;
      return lead.slice(k * frames * perFrame, (k + 1) * frames * perFrame);
    }),
  );
}

function diskFiles(folder: string): SignalFiles {
  return {
    sizeBytes: async (name) => (await stat(join(folder, name))).size,
    async read(name, offsetBytes, lengthBytes) {
      const file = await open(join(folder, name));
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(lengthBytes), 0, lengthBytes, offsetBytes);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}
