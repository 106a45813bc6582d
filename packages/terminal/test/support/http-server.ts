/** Small HTTP servers on the loopback, closed after the tests of their file. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeMail } from "@pericard/protocol";
import { afterAll } from "vitest";
import type { TestServer } from "./test-server.ts";

/** One request as it came. */
export interface Request {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Uint8Array;
}

/** A server that a test decides for. */
export interface HttpServer {
  readonly url: string;
  readonly requests: readonly Request[];
  /** What is done with each request. */
  handle: (request: Request, response: ServerResponse) => void | Promise<void>;
  close(): Promise<void>;
  reopen(): Promise<void>;
}

const open: HttpServer[] = [];
afterAll(() => Promise.all(open.map((server) => server.close())));

/** Listens on a free port. */
export async function startHttp(handle: HttpServer["handle"]): Promise<HttpServer> {
  const requests: Request[] = [];
  const server = createServer((incoming, response) => {
    void readBody(incoming).then((body) => {
      const request = { url: incoming.url ?? "", headers: incoming.headers, body };
      requests.push(request);
      return started.handle(request, response);
    });
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const started: HttpServer = {
    url: `http://127.0.0.1:${port}`,
    requests,
    handle,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    reopen: () => listen(port),
  };
  open.push(started);
  return started;
}

/** Answers as a test's server does. */
export function serve(server: TestServer): HttpServer["handle"] {
  return ({ body }, response) => {
    response.writeHead(200, { "content-type": "application/cbor" });
    response.end(encodeMail(server.receive(body)));
  };
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
