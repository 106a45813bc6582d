/**
 * A catalog made anew from packs and key store.
 *
 * It is built in a folder of its own and put in place when it is whole, so that a rebuild that is interrupted begins
 * again. Audit trail and sessions are taken over from the old catalog as far as it can be read.
 *
 * Source: docs/format.md §10.3.
 */
import { CryptoError, openPackage, sha256, verifyMessage, type KeyObject } from "@pericard/crypto";
import {
  decodeSegmentBody,
  Gap,
  KeyId,
  parsePackage,
  parseSigned,
  ProtocolError,
  RoutingId,
  Stubs,
} from "@pericard/protocol";
import { codeOf, ServerError } from "../errors.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { TerminalRegistry } from "../keys/terminals.ts";
import { STORED_KIND, type ScannedItem, type Volume } from "../volumes/volume.ts";
import type { Catalog, StoredPackage } from "./catalog.ts";

/** What a rebuild found. */
export interface RebuildReport {
  readonly packageCopies: number;
  readonly gaps: number;
  /** Segments of erased recordings that are in the chain as stubs, counted in every copy. */
  readonly stubs: number;
  /** Frames whose checksum was right but that do not open: altered, or of a key that was destroyed. */
  readonly refused: number;
}

export interface RebuildParts {
  readonly catalog: Catalog;
  readonly volumes: readonly Volume[];
  readonly recordingKeys: RecordingKeys;
  readonly terminals: TerminalRegistry;
  /** Receipt keys of the server, of every version. */
  readonly stubKeys: ReadonlyMap<KeyId, KeyObject>;
  /** Called now and then with how many items were read. */
  readonly onProgress: (itemCount: number) => void;
}

/** A package as rows. It is opened first: nothing unverified gets into a catalog. */
async function readStored({ recordingKeys }: RebuildParts, { bytes, copy }: ScannedItem) {
  const parsed = parsePackage(bytes);
  const { recording, tenant, stream, receivedAtUnixMs, items, commitment } = parsed.header;
  const key = await recordingKeys.get(recording);
  const [first] = openPackage(key.dataKey, parsed).data;
  const { descriptor } = decodeSegmentBody(first ?? new Uint8Array(0));
  const facts = { recording, tenant, terminal: key.terminal, patient: key.patient, descriptor };
  const stored: StoredPackage = { ...facts, stream, receivedAtUnixMs, items, copies: [copy] };
  return { ...stored, commitment };
}

async function storeGap(
  { catalog, terminals, recordingKeys }: RebuildParts,
  { bytes, copy }: ScannedItem,
): Promise<void> {
  const message = parseSigned(bytes);
  const { serial, verifyKey } = await terminals.getSigner(RoutingId.fromBytes(message.keyIdBytes));
  verifyMessage(verifyKey, message);
  const { recording, stream, sequence, cause } = Gap.decode(message.payload);
  const owner = await recordingKeys.findTerminal(recording);
  if (message.type !== "pericard/gap" || (owner !== null && owner !== serial)) {
    throw new ServerError("ERR_MESSAGE_REFUSED", "gap is another terminal's");
  }
  const hash = sha256(bytes);
  await catalog.keepStatement({ kind: STORED_KIND.gap, hash, copies: [copy] });
  await catalog.storeGap({ recording, stream, sequence, cause, hash });
}

/** Stubs are believed under a receipt key of the server's, and of a recording that was erased. */
async function storeStubs(
  { catalog, stubKeys, recordingKeys }: RebuildParts,
  { bytes, copy }: ScannedItem,
): Promise<number> {
  const message = parseSigned(bytes);
  const key = stubKeys.get(KeyId.fromBytes(message.keyIdBytes));
  if (message.type !== "pericard/stubs" || !key) {
    throw new ServerError("ERR_MESSAGE_REFUSED", "stubs are not this server's");
  }
  verifyMessage(key, message);
  const { recording, stream, stubs } = Stubs.decode(message.payload);
  if (!(await recordingKeys.findTombstone(recording))) {
    throw new ServerError("ERR_MESSAGE_REFUSED", "stubs are of a recording that was not erased");
  }
  await catalog.keepStatement({ kind: STORED_KIND.stubs, hash: sha256(bytes), copies: [copy] });
  await catalog.storeStubs(
    recording,
    stubs.map((stub) => ({ ...stub, stream })),
  );
  return stubs.length;
}

/** Codes that say of an item, and of nothing else, that it cannot be believed or opened. */
const REFUSAL_CODES: ReadonlySet<string> = new Set([
  "ERR_NOT_FOUND",
  "ERR_MESSAGE_REFUSED",
  "ERR_TERMINAL_UNKNOWN",
  "ERR_PATIENT_UNKNOWN",
  "ERR_SEAL_BROKEN",
]);

/** Any other error ends the rebuild: a catalog that lacks what could not be looked up would be taken for the whole. */
function isRefusal(error: unknown): boolean {
  const isIntegrity = error instanceof ProtocolError || error instanceof CryptoError;
  return isIntegrity || REFUSAL_CODES.has(codeOf(error) ?? "");
}

/**
 * Fills an empty catalog from every volume.
 *
 * @throws when a volume cannot be read or the key store does not answer; nothing may use the catalog then.
 */
export async function rebuildCatalog(parts: RebuildParts): Promise<RebuildReport> {
  let [packageCopies, gaps, stubs, refused, read] = [0, 0, 0, 0, 0];
  for (const volume of parts.volumes) {
    for await (const items of volume.scan()) {
      const rows = [];
      for (const item of items) {
        try {
          if (item.kind === STORED_KIND.package) rows.push(await readStored(parts, item));
          else if (item.kind === STORED_KIND.stubs) stubs += await storeStubs(parts, item);
          else {
            await storeGap(parts, item);
            gaps += 1;
          }
        } catch (error) {
          if (!isRefusal(error)) throw error;
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
  return { packageCopies, gaps, stubs, refused };
}
