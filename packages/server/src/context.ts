/** The one place where a server's rooms are built and joined. */
import { ed25519Public, systemRandom, x25519Agreement, type RandomSource } from "@pericard/crypto";
import { isShared, kekFoldersOf, type KekAccess, type KeyStorePlace } from "@pericard/custody";
import type { TerminalId } from "@pericard/protocol";
import { lockFolder } from "@pericard/framelog";
import { setTimeout } from "node:timers/promises";
import { pino, type Logger } from "pino";
import { Audit } from "./access/audit.ts";
import { Refusals } from "./access/refusals.ts";
import { Sessions } from "./access/sessions.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { RebuildReport } from "./catalog/rebuild.ts";
import { startCatalog } from "./catalog/start-catalog.ts";
import { openChannels, type OpenedChannels } from "./channels/open-channels.ts";
import { keyFolderOf, keyFolderPaths, keyStorePlace, SERVER_DEFAULTS, type ServerConfig } from "./config.ts";
import { Compactor, COMPACTION_DEFAULTS, type CompactionOptions } from "./control/compaction.ts";
import { ControlArea } from "./control/control-area.ts";
import { VolumeCare } from "./control/volume-care.ts";
import { Eraser } from "./erasure/eraser.ts";
import { Erasures } from "./erasure/erasures.ts";
import { Retention } from "./erasure/retention.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Quota } from "./ingest/quota.ts";
import { StatementMaker } from "./ingest/statements.ts";
import { StatusKeeper } from "./ingest/status-keeper.ts";
import { SegmentStore } from "./ingest/store-segments.ts";
import { startKeyDestruction } from "./keys/key-destruction.ts";
import { openKeyStoreThread, type KeyStorePort, type KeyStoreRoom } from "./keys/key-store.ts";
import { KeyChanges } from "./keys/key-changes.ts";
import { KeyExchange } from "./keys/key-exchange.ts";
import { KeyWatch } from "./keys/key-watch.ts";
import { Mailbox } from "./keys/mailbox.ts";
import { RecordingKeys } from "./keys/recordings.ts";
import { ServerKeys } from "./keys/server-keys.ts";
import { TerminalRegistry } from "./keys/terminals.ts";
import { Following } from "./retrieval/following.ts";
import { Indexer } from "./retrieval/indexer.ts";
import { Library } from "./retrieval/library.ts";
import { FOLLOW_LIFETIME_MS, FOLLOW_LOOK_MS, FOLLOW_SEGMENT_MS, LiveFeed } from "./retrieval/live.ts";
import { SegmentReader } from "./retrieval/segment-reader.ts";
import { ReverseOutput } from "./reverse-output/reverse-output.ts";
import type { BucketVolumeOptions } from "./volumes/bucket-volume.ts";
import { openDirectoryVolume } from "./volumes/directory-volume.ts";
import { bucketsToOpen } from "./volumes/open-buckets.ts";
import { VolumeSet, type VolumePlace } from "./volumes/volume-set.ts";

/** What a server takes from outside beside its configuration. */
export interface ServerEnvironment {
  readonly kek: KekAccess;
  readonly nowUnixMs: () => number;
  readonly monotonicMs: () => number;
  readonly random: RandomSource;
  readonly logger: Logger;
  /** How space is freed, where it is not to be as usual. */
  readonly compaction?: Partial<CompactionOptions>;
}

/** The environment of a real server. */
export function systemEnvironment(kek: KekAccess, logger: Logger = pino({ level: "info" })): ServerEnvironment {
  return { kek, nowUnixMs: Date.now, monotonicMs: () => performance.now(), random: systemRandom, logger };
}

const VOLUME_DEADLINE_MS = 10_000;
const VOLUME_RETRY_MS = 5000;
const POLL_MS = 20;
/** Far longer than a sync takes on a disk that is well. */
const LATE_MS = 2000;
/** Longer than a volume's deadline, so that a hung volume is replaced by another; shorter than clients wait. */
const STORE_DEADLINE_MS = 25_000;

const HOUR_MS = 3600 * 1000;

/** How often a server looks for segments that another one stored and did not live to summarise. */
const INDEXER_LOOK_MS = 30_000;

/** How often a server asks what others erased: what one erases, all forget within a second. */
const ERASURE_LOOK_MS = 500;

/** A server's rooms. */
export interface ServerContext {
  readonly ingest: Ingest;
  readonly refusals: Refusals;
  readonly library: Library;
  readonly sessions: Sessions;
  readonly live: LiveFeed;
  readonly control: ControlArea;
  readonly catalog: Catalog;
  readonly audit: Audit;
  readonly volumes: VolumeSet;
  readonly volumeCare: VolumeCare;
  readonly keyStore: KeyStorePort;
  readonly eraser: Eraser;
  readonly compactor: Compactor;
  readonly retention: Retention;
  readonly nowUnixMs: () => number;
  /** What a rebuild at this start found; undefined when the catalog was there. */
  readonly rebuilt: RebuildReport | undefined;
  close(): Promise<void>;
}

/** Everything that is open before the catalog is. */
interface Foundation {
  readonly volumes: VolumeSet;
  readonly channels: OpenedChannels;
  readonly keyRoom: KeyStoreRoom;
  readonly keyStore: KeyStorePort;
  readonly terminals: TerminalRegistry;
  close(): Promise<void>;
}

/** A folder as a volume that is not open yet. */
function folderToOpen(place: string, environment: ServerEnvironment): VolumePlace {
  const options = { ...environment, deadlineMs: VOLUME_DEADLINE_MS, retryMs: VOLUME_RETRY_MS };
  return { place, open: () => openDirectoryVolume(place, options) };
}

/** How buckets are opened. */
export function bucketOptions(environment: ServerEnvironment): BucketVolumeOptions {
  const onWarning = (message: string): void => environment.logger.warn(message);
  return { ...environment, deadlineMs: VOLUME_DEADLINE_MS, retryMs: VOLUME_RETRY_MS, onWarning };
}

/** Opens the volumes that open; a folder is one process's. @throws as {@link VolumeSet.open}. */
export function openVolumes(config: ServerConfig, environment: ServerEnvironment): Promise<VolumeSet> {
  const options = bucketOptions(environment);
  const directories = config.volumePaths.map((place) => folderToOpen(place, environment));
  const buckets = bucketsToOpen(config.buckets ?? [], options);
  return VolumeSet.open([...directories, ...buckets], config.copyCount, options);
}

/** Of copies, those on volumes that are open: any one is enough to start, and a hung one would stop all. */
function reachableKeyStore(config: ServerConfig, volumes: VolumeSet, logger: Logger): KeyStorePlace {
  const wanted = keyStorePlace(config);
  if (isShared(wanted)) return wanted;
  const open = new Set([config.dataPath, ...volumes.opened.map(({ place }) => place)].map(keyFolderOf));
  const reachable = wanted.filter((path) => open.has(path));
  if (reachable.length < wanted.length) {
    logger.error({ wanted, reachable }, "key store has fewer copies than it should: bring its volumes back");
  }
  return reachable;
}

async function openFoundation(config: ServerConfig, environment: ServerEnvironment): Promise<Foundation> {
  const lock = lockFolder(config.dataPath);
  const ends: (() => Promise<void> | void)[] = [() => lock.release()];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const volumes = await openVolumes(config, environment);
    ends.push(() => volumes.close());
    const channels = await openChannels(config, environment);
    ends.push(() => channels.close());
    const place = reachableKeyStore(config, volumes, environment.logger);
    const keyRoom = openKeyStoreThread(place, environment.kek);
    const { keyStore } = keyRoom;
    ends.push(keyRoom.end, () => keyStore.close().catch(() => undefined));
    const terminals = new TerminalRegistry(keyStore, environment.monotonicMs);
    return { volumes, channels, keyRoom, keyStore, terminals, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function receiptKeys(keyStore: KeyStorePort) {
  const keys = await keyStore.serverKeyRecords();
  const receipts = keys.filter(({ purpose }) => purpose === "receipt");
  return new Map(receipts.map(({ keyId, publicBytes }) => [keyId, ed25519Public(publicBytes)]));
}

/**
 * Builds the rooms over a data folder.
 *
 * @throws {FrameError} ERR_FOLDER_LOCKED when another server runs over it; {ServerError} ERR_VOLUME_IDENTITY, and the codes
 * of the key store when it does not open.
 */
export async function openContext(config: ServerConfig, environment: ServerEnvironment): Promise<ServerContext> {
  const foundation = await openFoundation(config, environment);
  try {
    return await openRooms(config, environment, foundation);
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

async function openRooms(
  config: ServerConfig,
  environment: ServerEnvironment,
  foundation: Foundation,
): Promise<ServerContext> {
  const { nowUnixMs, monotonicMs, random, logger } = environment;
  const { volumes, channels, keyStore, terminals } = foundation;
  const serverKeys = new ServerKeys(keyStore, monotonicMs);
  await serverKeys.refresh();
  const { catalog, rebuilt, end } = await startCatalog({
    config,
    volumes,
    keyStore,
    terminals,
    stubKeys: await receiptKeys(keyStore),
    logger,
    nowUnixMs,
  });
  const { copyCount, bufferBytesMax } = config;
  const control = new ControlArea(volumes.opened.map(channels.channelTo), {
    copyCount,
    bufferBytesMax,
    pollMs: POLL_MS,
    lateMs: LATE_MS,
    deadlineMs: STORE_DEADLINE_MS,
  });
  volumes.onOpened((volume) => {
    logger.info({ volumeId: volume.id, place: volume.place }, "volume opened");
    control.add(channels.channelTo(volume));
  });
  const mailbox = new Mailbox(serverKeys, nowUnixMs);
  const recordingKeys = new RecordingKeys(keyStore, catalog);
  const audit = new Audit(catalog, nowUnixMs);
  const reader = new SegmentReader(volumes, recordingKeys);
  const onError = (err: unknown): void => logger.error({ err }, "indexer failed");
  const lookMs = config.catalog && INDEXER_LOOK_MS;
  const indexer = new Indexer({ catalog, reader, recordingKeys, audit, monotonicMs, lookMs, onError });
  const hurry = (terminal: TerminalId): void => {
    quicken(keyStore, mailbox, terminal).catch((err: unknown) =>
      logger.warn({ err }, "terminal was not told to hurry"),
    );
  };
  const onFollowingError = (err: unknown): void => logger.warn({ err }, "who watches is not known to all servers");
  const following = new Following({ catalog, hurry, nowUnixMs, onError: onFollowingError });
  if (config.catalog) following.start(FOLLOW_LOOK_MS);
  const live = config.catalog
    ? new LiveFeed((terminal) => following.follow(terminal), FOLLOW_LOOK_MS)
    : new LiveFeed(hurry);
  const segments = new SegmentStore({
    catalog,
    control,
    recordingKeys,
    random,
    onStored: (stored, plain) => {
      indexer.add(stored, plain);
      live.changed(stored.recording);
    },
  });
  const erasures = new Erasures({
    keyStore,
    catalog,
    control,
    keys: serverKeys,
    nowUnixMs,
    forget: (recording) => {
      recordingKeys.forget(recording);
      live.changed(recording);
    },
    onError: (err) => logger.error({ err }, "erasure is not finished"),
  });
  const onDestructionError = (err: unknown): void => logger.error({ err }, "retired keys were not destroyed");
  const endDestruction = startKeyDestruction({ serverKeys, audit, nowUnixMs, onError: onDestructionError });
  const volumeCare = new VolumeCare({
    catalog,
    volumes,
    control,
    recordingKeys,
    copyCount,
    audit,
    logger,
    nowUnixMs,
    monotonicMs,
    dataPath: config.dataPath,
    keyRoom: foundation.keyRoom,
    keyCopyCount: config.volumePaths.length === 0 || config.keyStore ? 0 : keyFolderPaths(config).length,
    folder: (path) => folderToOpen(path, environment),
  });
  await volumeCare.start();
  const keyWatch = new KeyWatch({ keyStore, audit, nowUnixMs });
  const agreement = x25519Agreement;
  const exchange = new KeyExchange({
    keyStore,
    watch: keyWatch,
    keys: serverKeys,
    agreement,
    audit,
    random,
    nowUnixMs,
  });
  const keyChanges = new KeyChanges({ keyStore, watch: keyWatch, exchange, nowUnixMs });
  const statements = new StatementMaker(serverKeys);
  const reverseOutput = new ReverseOutput({
    catalog,
    keyStore,
    reader,
    statements,
    audit,
    random,
    nowUnixMs,
    monotonicMs,
  });
  const onRefusalError = (err: unknown): void => logger.error({ err }, "refusals were not counted in the audit trail");
  const refusals = new Refusals({ audit, nowUnixMs, onError: onRefusalError });
  const ingest = new Ingest({
    terminals,
    serverKeys,
    segments,
    control,
    catalog,
    recordingKeys,
    statements,
    mailbox,
    keyChanges,
    keyWatch,
    statusKeeper: new StatusKeeper({ catalog, keyStore, mailbox, keyWatch, nowUnixMs }),
    reverseOutput,
    refusals,
    quota: new Quota(config.quota ?? SERVER_DEFAULTS.quota, nowUnixMs),
    copyCount,
    nowUnixMs,
  });
  await erasures.start(ERASURE_LOOK_MS);
  const eraser = new Eraser({
    keyStore,
    catalog,
    keys: serverKeys,
    keyBackupDays: config.keyBackupDays ?? SERVER_DEFAULTS.keyBackupDays,
    erasures,
    audit,
    keyCopiesWanted: kekFoldersOf(keyStorePlace(config)).length,
  });
  const stop = new AbortController();
  const compactor = new Compactor({
    ...COMPACTION_DEFAULTS,
    ...environment.compaction,
    catalog,
    keyStore,
    volumes: () => volumes.opened,
    packStubs: () => erasures.pack(),
    monotonicMs,
    sleep: (ms) => setTimeout(ms, undefined, { signal: stop.signal, ref: false }).catch(() => undefined),
  });
  const retention = new Retention({ keyStore, catalog, eraser, nowUnixMs });
  let hours = 0;
  const daily = setInterval(() => {
    hours += 1;
    // An hour after the start, and then once a day.
    if (hours % 24 !== 1) return;
    retention
      .run()
      .then(() => compactor.run("background"))
      .catch((err: unknown) => logger.error({ err }, "what is over its time could not be erased or freed"));
  }, HOUR_MS);
  daily.unref();
  return {
    ingest,
    library: new Library({ catalog, keyStore, reader, recordingKeys, keyWatch, audit, nowUnixMs }),
    sessions: new Sessions({ keyStore, catalog, audit, random, nowUnixMs }),
    live,
    refusals,
    control,
    catalog,
    audit,
    volumes,
    volumeCare,
    keyStore,
    nowUnixMs,
    eraser,
    compactor,
    retention,
    rebuilt,
    close: async () => {
      await refusals.close().catch(onRefusalError);
      endDestruction();
      volumeCare.close();
      clearInterval(daily);
      stop.abort();
      compactor.close();
      erasures.close();
      indexer.close();
      following.close();
      control.close();
      reader.close();
      await catalog.close().catch(() => undefined);
      await end();
      await foundation.close();
    },
  };
}

/** Asks a terminal that somebody watches for short segments. */
async function quicken(keyStore: KeyStorePort, mailbox: Mailbox, serial: TerminalId): Promise<void> {
  const terminal = await keyStore.getTerminal(serial);
  mailbox.command(terminal.routing, "segment-length", FOLLOW_SEGMENT_MS, FOLLOW_LIFETIME_MS);
}
