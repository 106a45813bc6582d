/** A running storage server. */
import type { AddressInfo } from "node:net";
import { checkServerConfig, type ServerConfig } from "./config.ts";
import { openContext, type ServerContext, type ServerEnvironment } from "./context.ts";
import { volumeStates } from "./control/volume-states.ts";
import { buildApp } from "./http/app.ts";
import { buildOperatorApp, listenForOperator } from "./http/operator.ts";

export interface RunningServer {
  readonly url: string;
  readonly context: ServerContext;
  /** Stops taking requests, finishes those under way, and closes everything. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @throws {ServerError} ERR_SERVER_CONFIG, ERR_VOLUME_IDENTITY; {FrameError} ERR_FOLDER_LOCKED; {CustodyError} codes when the key store does not open;
 * and what listening fails with.
 */
export async function startServer(config: ServerConfig, environment: ServerEnvironment): Promise<RunningServer> {
  checkServerConfig(config);
  const context = await openContext(config, environment);
  const ends: (() => Promise<unknown>)[] = [() => context.close()];
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
  };
  try {
    const app = await listen(config, environment, context);
    ends.push(() => app.close());
    ends.push(
      await listenForOperator(await buildOperatorApp({ ...context, logger: environment.logger }), config.dataPath),
    );
    const { address, port } = app.server.address() as AddressInfo;
    return { url: `http://${address.includes(":") ? `[${address}]` : address}:${port}`, context, close };
  } catch (error) {
    await close();
    throw error;
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
