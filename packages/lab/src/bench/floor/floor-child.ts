/** The process of the floor: node:http, the steps, and nothing else. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { processorMicroseconds, serveParent } from "../child-serve.ts";
import { measureParts, type FloorPart } from "./floor-parts.ts";
import { FloorStore, type GroupSizes } from "./floor-store.ts";
import { Floor, loadKeys, type FloorKeyBytes, type FloorKeys } from "./floor.ts";
import { NOTHING_PATH } from "./paths.ts";

const NOTHING = Buffer.alloc(96);

interface RunningFloor {
  readonly keys: FloorKeys;
  readonly store: FloorStore;
  readonly server: Server;
}
let running: RunningFloor | undefined;

function requireRunning(): RunningFloor {
  if (!running) throw new Error("floor is not running");
  return running;
}

function readBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  let chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    // The request lives until it is answered; its bytes need not.
    chunks = [];
    done(body);
  });
}

function serve(floor: Floor): Server {
  return createServer((request, response) => {
    const answer = (bytes: Buffer): void => {
      response.writeHead(200, { "content-length": bytes.length });
      response.end(bytes);
    };
    const refuse = (error: unknown): void => {
      response.writeHead(500);
      response.end(String(error));
    };
    readBody(request, (body) => {
      if (request.url === NOTHING_PATH) answer(NOTHING);
      else floor.receive(body).then(answer, refuse);
    });
  });
}

const methods = {
  start: async (given: FloorKeyBytes & { readonly folderPath: string; readonly copies: number }): Promise<string> => {
    const keys = loadKeys(given);
    const store = new FloorStore(given.folderPath, given.copies);
    const server = serve(new Floor(keys, store));
    running = { keys, store, server };
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  processor: (): number => processorMicroseconds(),
  groupSizes: (): GroupSizes => requireRunning().store.groupSizes,
  parts: ({
    bodies,
    ms,
  }: {
    readonly bodies: readonly Uint8Array[];
    readonly ms: number;
  }): Promise<readonly FloorPart[]> => {
    const { keys, store } = requireRunning();
    return measureParts(keys, store, bodies, ms);
  },
  stop: async (): Promise<void> => {
    running?.server.closeAllConnections();
    running?.server.close();
    await running?.store.end();
  },
};
export type FloorChildMethods = typeof methods;
serveParent(methods);
