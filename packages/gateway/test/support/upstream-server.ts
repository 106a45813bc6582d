/** A storage server as far as a gateway sees one: real sockets, answers from a script. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  encodeMail,
  HEALTH_PATH,
  MAIL_MEDIA_TYPE,
  parseSigned,
  problem,
  PROBLEM_MEDIA_TYPE,
  RoutingId,
} from "@pericard/protocol";

/** One request as it arrived. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly routing: RoutingId;
  readonly type: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
}

/** Answers one request, or leaves it hanging. */
export type Answerer = (request: Received, response: ServerResponse) => void;

/** A server that can be scripted and stopped. */
export interface UpstreamServer {
  readonly url: string;
  readonly port: number;
  /** Every message that arrived whole. */
  readonly received: readonly Received[];
  /** Requests that were broken off by the other side before they were answered. */
  readonly abortedCount: number;
  /** Largest number of requests that were open at once, over all and for one routing id. */
  readonly openMax: number;
  readonly openMaxPerRouting: number;
  answer: Answerer;
  /** Answers a probe; one that the server is well, when not given. */
  health: ((response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

/** Takes the message, with mail. */
export function takeWith(mail: readonly Uint8Array[], status = 200): Answerer {
  return (_, response) => {
    response.writeHead(status, { "content-type": MAIL_MEDIA_TYPE }).end(encodeMail(mail));
  };
}

/** Refuses as Pericard's servers do. */
export function refuseWith(status: number, code: string, headers: Record<string, string> = {}): Answerer {
  return (_, response) => {
    response
      .writeHead(status, { "content-type": PROBLEM_MEDIA_TYPE, ...headers })
      .end(JSON.stringify(problem(status, code, "refused")));
  };
}

/** Answers as something on the way does that is no Pericard server. */
export function speakHtml(status: number): Answerer {
  return (_, response) => {
    response.writeHead(status, { "content-type": "text/html" }).end("<html>sign in to the hotel network</html>");
  };
}

/** Never answers. */
export const hang: Answerer = () => undefined;

/** Cuts the connection. */
export const reset: Answerer = (_, response) => void response.destroy();

function sayWell(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ status: "ok" }));
}

async function readAll(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** Starts one that takes everything, without mail. `port` 0 lets the system choose. */
export async function startUpstream(port = 0): Promise<UpstreamServer> {
  const received: Received[] = [];
  const open = new Map<RoutingId, number>();
  const state = { abortedCount: 0, openMax: 0, openMaxPerRouting: 0 };

  const count = (routing: RoutingId, response: ServerResponse): void => {
    const one = (open.get(routing) ?? 0) + 1;
    open.set(routing, one);
    state.openMaxPerRouting = Math.max(state.openMaxPerRouting, one);
    state.openMax = Math.max(
      state.openMax,
      [...open.values()].reduce((sum, n) => sum + n, 0),
    );
    response.once("close", () => {
      open.set(routing, (open.get(routing) ?? 1) - 1);
      if (!response.writableFinished) state.abortedCount += 1;
    });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === HEALTH_PATH) {
      (upstream.health ?? sayWell)(response);
      return;
    }
    const bytes = await readAll(request);
    const { type, keyIdBytes } = parseSigned(bytes);
    const { authorization, "content-type": contentType } = request.headers;
    const one = {
      bytes,
      type,
      routing: RoutingId.fromBytes(keyIdBytes),
      url: request.url ?? "",
      authorization,
      contentType,
    };
    received.push(one);
    count(one.routing, response);
    upstream.answer(one, response);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const listening = (server.address() as AddressInfo).port;
  const upstream: UpstreamServer = {
    url: `http://127.0.0.1:${listening}`,
    port: listening,
    received,
    answer: takeWith([]),
    health: undefined,
    get abortedCount() {
      return state.abortedCount;
    },
    get openMax() {
      return state.openMax;
    },
    get openMaxPerRouting() {
      return state.openMaxPerRouting;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return upstream;
}
