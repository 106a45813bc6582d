/** Sensors that speak HTTP. 201 means durable. Source: docs/bridge.md, "HTTP". */
import { PROBLEM_MEDIA_TYPE, problem } from "@pericard/protocol";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { TerminalError } from "../errors.ts";
import { INPUT_BYTES_MAX, OBSERVATIONS_TOPIC, type Bridge } from "./bridge.ts";
import { authorityOf, listen, type ListenAddress, type OpenWay } from "./listen.ts";
import type { TokenCheck } from "./sensor-token.ts";

const CONNECTIONS_MAX = 256;
const REQUEST_MS = 10_000;
const RETRY_AFTER_SECONDS = 10;
const TOPICS_PATH = "/v1/topics/";

/** A refusal that is the way's own. */
class HttpRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Opens the way. @throws {TerminalError} ERR_BRIDGE_LISTEN. */
export async function listenHttp(bridge: Bridge, address: ListenAddress, admits: TokenCheck): Promise<OpenWay> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    answer(bridge, admits, request, response).catch(() => response.destroy());
  });
  server.maxConnections = CONNECTIONS_MAX;
  const port = await listen(server, address);
  return {
    url: `http://${authorityOf(address.host, port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  bridge: Bridge,
  admits: TokenCheck,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (!admits(bearerOf(request))) throw new HttpRefusal(401, "ERR_CLIENT_UNKNOWN", "token is not this site's");
    const topic = topicOf(request);
    const taken = await bridge.receive({ topic, payload: await readBody(request) });
    response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ observations: taken }));
  } catch (error) {
    refuse(response, refusalOf(error));
  }
}

function bearerOf({ headers }: IncomingMessage): Uint8Array | undefined {
  const shown = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
  return shown === undefined ? undefined : Buffer.from(shown, "utf8");
}

function topicOf({ method, url = "" }: IncomingMessage): string {
  const path = url.split("?")[0] ?? "";
  const isTopic = path.startsWith(TOPICS_PATH) && path.length > TOPICS_PATH.length;
  if (path !== "/v1/observations" && !isTopic) throw new HttpRefusal(404, "ERR_NOT_FOUND", "there is nothing here");
  if (method !== "POST") throw new HttpRefusal(405, "ERR_NOT_FOUND", "observations are posted");
  try {
    return isTopic ? decodeURIComponent(path.slice(TOPICS_PATH.length)) : OBSERVATIONS_TOPIC;
  } catch {
    throw new HttpRefusal(400, "ERR_BRIDGE_INPUT", "topic is not percent-encoded");
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > INPUT_BYTES_MAX) {
      throw new HttpRefusal(413, "ERR_LENGTH_LIMIT", `input is larger than ${INPUT_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** An error that is no refusal ends the connection. */
function refusalOf(error: unknown): HttpRefusal {
  if (error instanceof HttpRefusal) return error;
  if (!(error instanceof TerminalError)) throw error;
  return new HttpRefusal(error.code === "ERR_BRIDGE_INPUT" ? 400 : 503, error.code, error.message);
}

function refuse(response: ServerResponse, { status, code, message }: HttpRefusal): void {
  const headers: Record<string, string | number> = { "content-type": PROBLEM_MEDIA_TYPE };
  if (status === 401) headers["www-authenticate"] = "Bearer";
  if (status === 503) headers["retry-after"] = RETRY_AFTER_SECONDS;
  // What is left of a body that was refused is not read.
  if (status === 413 || status === 401) headers["connection"] = "close";
  response.writeHead(status, headers).end(JSON.stringify(problem(status, code, "input is not taken", message)));
}
