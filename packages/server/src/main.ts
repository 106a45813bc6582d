/** A running storage server. */
import type { AddressInfo } from "node:net";
import { checkServerConfig, type ServerConfig } from "./config.ts";
import { openContext, type ServerContext, type ServerEnvironment } from "./context.ts";
import { buildApp } from "./http/app.ts";

export interface RunningServer {
  readonly url: string;
  readonly context: ServerContext;
  /** Stops taking requests, finishes those under way, and closes everything. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @throws {ServerError} ERR_SERVER_CONFIG, ERR_VOLUME_IDENTITY; {FrameError} ERR_FOLDER_LOCKED; {CustodyError} codes when the key store does not open.
 */
export async function startServer(config: ServerConfig, environment: ServerEnvironment): Promise<RunningServer> {
  checkServerConfig(config);
  const context = await openContext(config, environment);
  const app = await listen(config, environment, context).catch(async (error: unknown) => {
    await context.close();
    throw error;
  });
  const { address, port } = app.server.address() as AddressInfo;
  const host = address.includes(":") ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}`,
    context,
    close: async () => {
      await app.close();
      await context.close();
    },
  };
}

async function listen(config: ServerConfig, environment: ServerEnvironment, context: ServerContext) {
  const app = await buildApp({
    ...context,
    uploadClients: config.uploadClients,
    bufferBytesMax: config.bufferBytesMax,
    viewerPath: config.viewerPath,
    logger: environment.logger,
    health: () => ({ storage: context.control.state, residentBytes: process.memoryUsage.rss() }),
  });
  try {
    await app.listen({ host: config.host, port: config.port });
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}
