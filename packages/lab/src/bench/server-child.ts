/** The process of the server under load: production code and nothing else. */
import { startServer, systemEnvironment, type RunningServer, type ServerConfig } from "@pericard/server";
import { processorMicroseconds, serveParent } from "./child-serve.ts";

let running: RunningServer | undefined;

const methods = {
  start: async ({ config, kek }: { readonly config: ServerConfig; readonly kek: Uint8Array }): Promise<string> => {
    running = await startServer(config, systemEnvironment(kek));
    return running.url;
  },
  processor: (): number => processorMicroseconds(),
  stop: async (): Promise<void> => running?.close(),
};
export type ServerChildMethods = typeof methods;
serveParent(methods);
