/** A running storage server. */
import { lockFolder } from "@pericard/framelog";
import type { AddressInfo } from "node:net";
import { checkServerConfig, type ServerConfig } from "./config.ts";
import { catalogFolderOf } from "./catalog/start-catalog.ts";
import { bucketOptions, openContext, openVolumes, type ServerContext, type ServerEnvironment } from "./context.ts";
import { volumeStates } from "./control/volume-states.ts";
import { buildApp } from "./http/app.ts";
import { buildOperatorApp, listenForOperator } from "./http/operator.ts";
import { migrationRoutes } from "./http/operator-migration.ts";
import { standIn } from "./http/stand-in.ts";
import { Migration } from "./migration/migration.ts";
import type { FindVolume } from "./migration/slices.ts";

export interface RunningServer {
  readonly url: string;
  readonly context: ServerContext;
  /**
   * Resolves when the server has stopped by itself, and is to be closed and started anew over its settings: they may have changed.
   * Until it is closed, clients that come are told to come again.
   */
  readonly restart: Promise<void>;
  /** Stops taking requests, finishes those under way, and closes everything. */
  close(): Promise<void>;
}

type End = () => Promise<unknown>;

/**
 * Starts a server.
 *
 * @throws {ServerError} ERR_SERVER_CONFIG, ERR_VOLUME_IDENTITY; {FrameError} ERR_FOLDER_LOCKED; {CustodyError} codes when the key store does not open;
 * and what listening fails with.
 */
export async function startServer(config: ServerConfig, environment: ServerEnvironment): Promise<RunningServer> {
  checkServerConfig(config);
  const context = await openContext(config, environment);
  const ends: End[] = [() => context.close()];
  const stop = new AbortController();
  const { promise: restart, resolve } = Promise.withResolvers<void>();
  let standing: Promise<unknown> = Promise.resolve();
  const close = async (): Promise<void> => {
    stop.abort();
    await standing;
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const app = await listen(config, environment, context);
    ends.push(() => app.close());
    const { address, port } = app.server.address() as AddressInfo;
    const standStill = <T>(work: (findVolume: FindVolume) => Promise<T>): Promise<T> => {
      const [closeContext, closeApp] = ends.splice(0, 2) as [End, End];
      const stood = (async () => {
        await closeApp();
        ends.unshift(await standIn(config.host, port));
        await closeContext();
        return withVolumes(config, environment, work);
      })();
      standing = stood.catch(() => undefined);
      return stood;
    };
    const migration = new Migration({
      config,
      catalogPath: catalogFolderOf(config.dataPath),
      findVolume: (id) => context.volumes.find(id),
      options: bucketOptions(environment),
      isBusy: () => context.control.state.bufferedItems > 0,
      monotonicMs: environment.monotonicMs,
      signal: stop.signal,
      standStill,
      restart: resolve,
    });
    const operator = await buildOperatorApp({ ...context, logger: environment.logger });
    await operator.register(migrationRoutes({ migration }));
    ends.push(await listenForOperator(operator, config.dataPath));
    return { url: `http://${address.includes(":") ? `[${address}]` : address}:${port}`, context, restart, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Runs work with the volumes of a server that stands still, as the only one in its data folder. */
async function withVolumes<T>(
  config: ServerConfig,
  environment: ServerEnvironment,
  work: (findVolume: FindVolume) => Promise<T>,
): Promise<T> {
  const lock = lockFolder(config.dataPath);
  try {
    const volumes = await openVolumes(config, environment);
    try {
      return await work((id) => volumes.find(id));
    } finally {
      await volumes.close();
    }
  } finally {
    lock.release();
  }
}

async function listen(config: ServerConfig, environment: ServerEnvironment, context: ServerContext) {
  const app = await buildApp({
    ...context,
    uploadClients: config.uploadClients,
    bufferBytesMax: config.bufferBytesMax,
    viewerPath: config.viewerPath,
    logger: environment.logger,
    health: () => ({
      storage: { ...context.control.state, volumes: volumeStates(context) },
      /** How often each code was refused since the start. */
      refusals: context.refusals.totals,
      residentBytes: process.memoryUsage.rss(),
    }),
  });
  try {
    await app.listen({ host: config.host, port: config.port });
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}
