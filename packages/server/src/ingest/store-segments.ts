/**
 * From opened segments to durable ones: judge against the chain, seal as data packages, hand over to the control area,
 * write the rows. A receipt may be given for what this returns as durable.
 *
 * Source: paper B §3, §4, Table 2; docs/format.md §8.
 */
import { sealPackage, type RandomSource } from "@pericard/crypto";
import type { RecordingKey } from "@pericard/custody";
import { releaseBytes, SUITE, type Conflict, type PackageItem, type RecordingId } from "@pericard/protocol";
import type { Catalog, ItemOutcome, StoredPackage } from "../catalog/catalog.ts";
import { judge, shapeText, withSegment } from "../catalog/judge.ts";
import type { ControlArea } from "../control/control-area.ts";
import { codeOf } from "../errors.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { RegisteredTerminal } from "../keys/terminals.ts";
import { gather } from "../threads/gather.ts";
import { STORED_KIND } from "../volumes/volume.ts";
import { InTurn } from "./in-turn.ts";
import type { OpenedItem, Refusal } from "./open-segments.ts";
import { StreamViews } from "./stream-views.ts";

/** A segment that contradicts what is stored. */
export interface Contradiction {
  readonly item: OpenedItem;
  readonly cause: Conflict["cause"];
}

/** Segments of one erased recording. */
export interface ErasedItems {
  readonly recording: RecordingId;
  readonly hashes: readonly Uint8Array[];
}

/** What became of an envelope's segments. */
export interface StoreOutcome {
  /** h of every segment that is durable now or was before. */
  readonly durable: readonly Uint8Array[];
  readonly contradictions: readonly Contradiction[];
  /** Segments of a recording that is another terminal's. */
  readonly refusals: readonly Refusal[];
  /** Segments of recordings that were erased: nothing of them is stored. */
  readonly erased: readonly ErasedItems[];
  /** Segments that are durable, under a key use that had sealed another one. */
  readonly reused: readonly OpenedItem[];
}

/** What became of one package's segments. */
interface PackageOutcome extends Pick<StoreOutcome, "durable" | "reused"> {
  /** Segments whose recording was erased meanwhile. */
  readonly erased: readonly OpenedItem[];
  /** Segments that the catalog found to be contradictions. */
  readonly refused: readonly OpenedItem[];
}

export interface SegmentStoreParts {
  readonly catalog: Catalog;
  readonly control: ControlArea;
  readonly recordingKeys: RecordingKeys;
  readonly random: RandomSource;
  /** Called after rows are durable, with the items that are new and the Data_i of each. */
  readonly onStored: (stored: StoredPackage, plain: readonly Uint8Array[]) => void;
}

/** Plain bytes that one package holds at most, unless one segment is longer: about three minutes of twelve leads. */
const PACKAGE_PLAIN_BYTES = 512 * 1024;

function packageItem({ hash, header, descriptor, codec, plain }: OpenedItem): PackageItem {
  const { sequence, prev, final, cycle, index, use, policyVersion } = header;
  const { firstFrame, frameCount } = descriptor;
  const sizeBytes = plain.length;
  return { sequence, hash, prev, final, cycle, index, use, policyVersion, firstFrame, frameCount, sizeBytes, codec };
}

/** Segments of one stream each, in order of sequence. */
function byStream(items: readonly OpenedItem[]): readonly (readonly OpenedItem[])[] {
  const groups = Map.groupBy(items, ({ header }) => `${header.recording}/${header.stream}`);
  return [...groups.values()].map((group) => group.toSorted((a, b) => a.header.sequence - b.header.sequence));
}

/**
 * New segments of one stream as packages. A package is read and opened as a whole for any part of it, so that a backlog
 * that came in one envelope is not kept as one.
 */
function byPackage(fresh: readonly OpenedItem[]): readonly (readonly OpenedItem[])[] {
  const packages: OpenedItem[][] = [];
  let sizeBytes = Infinity;
  for (const item of fresh) {
    if (sizeBytes + item.plain.length > PACKAGE_PLAIN_BYTES) {
      packages.push([]);
      sizeBytes = 0;
    }
    packages.at(-1)?.push(item);
    sizeBytes += item.plain.length;
  }
  return packages;
}

function joined(a: StoreOutcome, b: StoreOutcome): StoreOutcome {
  return {
    durable: [...a.durable, ...b.durable],
    contradictions: [...a.contradictions, ...b.contradictions],
    refusals: [...a.refusals, ...b.refusals],
    erased: [...a.erased, ...b.erased],
    reused: [...a.reused, ...b.reused],
  };
}

/** Stores opened segments. One stream's segments are stored in turn, so that two uploads cannot both be first. */
export class SegmentStore {
  readonly #parts: SegmentStoreParts;
  readonly #views: StreamViews;
  readonly #turns = new InTurn<RecordingId>();
  readonly #storeRows: (stored: StoredPackage) => Promise<readonly ItemOutcome[]>;

  constructor(parts: SegmentStoreParts) {
    this.#parts = parts;
    this.#views = new StreamViews(parts.catalog);
    this.#storeRows = gather((packages) => parts.catalog.storePackages(packages));
  }

  /** Resolves when everything that can be stored is durable in every copy and in the catalog. */
  async store(
    terminal: RegisteredTerminal,
    items: readonly OpenedItem[],
    receivedAtUnixMs: number,
  ): Promise<StoreOutcome> {
    const outcomes = await Promise.all(
      byStream(items).map((group) =>
        this.#turns.run(group[0]?.header.recording as RecordingId, () =>
          this.#storeGroup(terminal, group, receivedAtUnixMs),
        ),
      ),
    );
    return outcomes.reduce(joined, NOTHING);
  }

  async #storeGroup(
    terminal: RegisteredTerminal,
    group: readonly OpenedItem[],
    receivedAtUnixMs: number,
  ): Promise<StoreOutcome> {
    const [first] = group;
    const last = group.at(-1);
    if (!first || !last) return NOTHING;
    const { recording, stream } = first.header;
    const key = await this.#findKey(terminal, first, receivedAtUnixMs);
    if (key === "foreign") {
      return { ...NOTHING, refusals: group.map(({ hash }) => ({ code: FOREIGN, hash, envelope: null })) };
    }
    if (key === "erased") return { ...NOTHING, erased: [{ recording, hashes: group.map(({ hash }) => hash) }] };
    let view = await this.#views.find(recording, stream, first.header.sequence, last.header.sequence);
    const fresh: OpenedItem[] = [];
    const durable: Uint8Array[] = [];
    const contradictions: Contradiction[] = [];
    for (const item of group) {
      const [row, shape] = [packageItem(item), shapeText(item.descriptor)];
      const verdict = judge(view, row, shape);
      if (verdict.kind === "conflict") contradictions.push({ item, cause: verdict.cause });
      else if (verdict.kind === "duplicate") durable.push(item.hash);
      else {
        fresh.push(item);
        view = withSegment(view, row, shape);
      }
    }
    // A repetition within the envelope waits, with the rest, for what it repeats.
    const packages = byPackage(fresh).map((part) => this.#storePackage(terminal, key, part, receivedAtUnixMs));
    // Until all is stored as expected, the catalog alone knows what is there.
    this.#views.forget(recording, stream);
    const parts = await Promise.all(packages);
    const refused = parts.flatMap((part) => part.refused);
    const erased = parts.flatMap((part) => part.erased);
    if (refused.length === 0 && erased.length === 0) this.#views.remember(recording, stream, view);
    return {
      durable: [...durable, ...parts.flatMap((part) => part.durable)],
      contradictions: [...contradictions, ...(await this.#causesOf(refused))],
      refusals: [],
      erased: erased.length === 0 ? [] : [{ recording, hashes: erased.map(({ hash }) => hash) }],
      reused: parts.flatMap((part) => part.reused),
    };
  }

  /** What segments contradict that the catalog refused: another server stored something of their stream meanwhile. */
  async #causesOf(refused: readonly OpenedItem[]): Promise<readonly Contradiction[]> {
    return Promise.all(
      refused.map(async (item) => {
        const { recording, stream, sequence } = item.header;
        const view = await this.#views.find(recording, stream, sequence, sequence);
        const verdict = judge(view, packageItem(item), shapeText(item.descriptor));
        // What is stored never changes, so that the catalog's verdict stands.
        return { item, cause: verdict.kind === "conflict" ? verdict.cause : "sequence" };
      }),
    );
  }

  /**
   * The recording's key, before anything is compared with what is stored of it; or that the recording is another terminal's, or
   * was erased. A recording that nobody has is this terminal's from now on.
   */
  async #findKey(
    { serial }: RegisteredTerminal,
    { header, descriptor }: OpenedItem,
    receivedAtUnixMs: number,
  ): Promise<RecordingKey | "foreign" | "erased"> {
    try {
      return await this.#parts.recordingKeys.obtain(header.recording, serial, descriptor, receivedAtUnixMs);
    } catch (error) {
      const code = codeOf(error);
      if (code === FOREIGN || code === "ERR_RECORDING_UNKNOWN") return "foreign";
      if (code === "ERR_RECORDING_ERASED") return "erased";
      throw error;
    }
  }

  /** Seals, stores and writes the rows of one package of segments that are new. The catalog has the last word on that. */
  async #storePackage(
    terminal: RegisteredTerminal,
    key: RecordingKey,
    fresh: readonly OpenedItem[],
    receivedAtUnixMs: number,
  ): Promise<PackageOutcome> {
    const { control, random, onStored } = this.#parts;
    const { header, descriptor } = fresh[0] as OpenedItem;
    const { recording, stream } = header;
    const { tenant, serial } = terminal;
    const items = fresh.map(packageItem);
    const plain = fresh.map((item) => item.plain);
    const draft = {
      // At rest the packages are the server's own, whatever suite brought the segments.
      suite: SUITE.pericard1,
      tenant,
      recording,
      stream,
      bodyKind: descriptor.kind,
      receivedAtUnixMs,
      items,
    };
    const bytes = sealPackage(key.dataKey, draft, plain, random);
    const copies = await control.store({ kind: STORED_KIND.package, bytes });
    const facts = { recording, tenant, terminal: serial, patient: key.patient, descriptor };
    const stored = { ...facts, stream, receivedAtUnixMs, items, copies };
    const outcomes = await this.#storeRows(stored);
    const isNew = items.map((_, i) => outcomes[i] === "stored" || outcomes[i] === "reused");
    const added = items.filter((_, i) => isNew[i]);
    for (const [i, bytes] of plain.entries()) if (!isNew[i]) releaseBytes(bytes);
    if (added.length > 0) {
      onStored(
        { ...stored, items: added },
        plain.filter((_, i) => isNew[i]),
      );
    }
    return {
      durable: fresh.filter((_, i) => isNew[i] || outcomes[i] === "duplicate").map(({ hash }) => hash),
      erased: fresh.filter((_, i) => outcomes[i] === "erased"),
      refused: fresh.filter((_, i) => outcomes[i] === "conflict"),
      reused: fresh.filter((_, i) => outcomes[i] === "reused"),
    };
  }
}

const NOTHING: StoreOutcome = { durable: [], contradictions: [], refusals: [], erased: [], reused: [] };
/** What a terminal is told of a segment in a recording that is not its own. */
const FOREIGN = "ERR_MESSAGE_REFUSED";
