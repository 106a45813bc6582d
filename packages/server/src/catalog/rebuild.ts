/**
 * A catalog made anew from packs and key store.
 *
 * It is built in a folder of its own and put in place when it is whole, so that a rebuild that is interrupted begins
 * again. What the audit trail and the sessions held is lost with the old catalog.
 *
 * Source: docs/format.md §10.3.
 */
import { openPackage, sha256, verifyMessage } from "@pericard/crypto";
import { decodeSegmentBody, Gap, parsePackage, parseSigned, RoutingId } from "@pericard/protocol";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { TerminalRegistry } from "../keys/terminals.ts";
import { STORED_KIND, type ScannedItem, type Volume } from "../volumes/volume.ts";
import type { Catalog, StoredPackage } from "./catalog.ts";

/** What a rebuild found. */
export interface RebuildReport {
  readonly packageCopies: number;
  readonly gaps: number;
  /** Frames whose checksum was right but that do not open: altered, or of a key that was destroyed. */
  readonly refused: number;
}

export interface RebuildParts {
  readonly catalog: Catalog;
  readonly volumes: readonly Volume[];
  readonly recordingKeys: RecordingKeys;
  readonly terminals: TerminalRegistry;
  /** Called now and then with how many items were read. */
  readonly onProgress: (itemCount: number) => void;
}

/** A package as rows. It is opened first: nothing unverified gets into a catalog. */
async function readStored({ recordingKeys }: RebuildParts, { bytes, copy }: ScannedItem) {
  const parsed = parsePackage(bytes);
  const { recording, tenant, stream, receivedAtUnixMs, items, commitment } = parsed.header;
  const key = await recordingKeys.get(recording);
  const [first] = openPackage(key.dataKey, parsed);
  const { descriptor } = decodeSegmentBody(first ?? new Uint8Array(0));
  const facts = { recording, tenant, terminal: key.terminal, patient: key.patient, descriptor };
  const stored: StoredPackage = { ...facts, stream, receivedAtUnixMs, items, copies: [copy] };
  return { ...stored, commitment };
}

async function storeGap({ catalog, terminals }: RebuildParts, { bytes }: ScannedItem): Promise<void> {
  const message = parseSigned(bytes);
  const terminal = await terminals.get(RoutingId.fromBytes(message.keyIdBytes));
  verifyMessage(terminal.verifyKey, message);
  const { recording, stream, sequence, cause } = Gap.decode(message.payload);
  await catalog.storeGap({ recording, stream, sequence, cause, hash: sha256(bytes) });
}

/** Fills an empty catalog from every volume. */
export async function rebuildCatalog(parts: RebuildParts): Promise<RebuildReport> {
  let [packageCopies, gaps, refused, read] = [0, 0, 0, 0];
  for (const volume of parts.volumes) {
    for await (const items of volume.scan()) {
      const rows = [];
      for (const item of items) {
        try {
          if (item.kind === STORED_KIND.package) rows.push(await readStored(parts, item));
          else await storeGap(parts, item);
          if (item.kind === STORED_KIND.gap) gaps += 1;
        } catch {
          refused += 1;
        }
      }
      if (rows.length > 0) await parts.catalog.rebuildPackages(rows);
      packageCopies += rows.length;
      read += items.length;
      parts.onProgress(read);
    }
  }
  await parts.catalog.endRebuild();
  return { packageCopies, gaps, refused };
}
