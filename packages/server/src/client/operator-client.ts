/** A client of the operator's socket, for commands on the server's machine. */
import { request, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { ServerError } from "../errors.ts";
import { operatorSocketPath } from "../operator-socket.ts";

/** A refusal of the server's, with the code that it gave. */
export class OperatorRefusal extends Error {
  readonly code: string;

  constructor({ code, title, detail }: { code?: string; title?: string; detail?: string }) {
    super(detail ?? title ?? "server refused");
    this.name = "OperatorRefusal";
    this.code = code ?? "ERR_INTERNAL";
  }
}

interface ProgressLine {
  readonly progress?: unknown;
  readonly result?: unknown;
  readonly problem?: ConstructorParameters<typeof OperatorRefusal>[0];
}

/** Speaks with the server that runs over a data folder. */
export class OperatorClient {
  readonly #dataPath: string;
  readonly #socketPath: string;

  constructor(dataPath: string) {
    this.#dataPath = dataPath;
    this.#socketPath = operatorSocketPath(dataPath);
  }

  /** @throws {ServerError} ERR_SERVER_NOT_RUNNING; {OperatorRefusal} with the server's own code. */
  async get<T>(path: string): Promise<T> {
    return (await readJson(await this.#ask("GET", path, undefined))) as T;
  }

  /** @throws as {@link get}. */
  async send<T>(method: "POST" | "PUT" | "DELETE", path: string, body: object = {}): Promise<T> {
    return (await readJson(await this.#ask(method, path, body))) as T;
  }

  /**
   * Begins long work and follows it to its end.
   *
   * @returns its result.
   * @throws as {@link get}; {ServerError} ERR_SERVER_UNREACHABLE when the server ended before the work did.
   */
  async follow<Progress, Result>(
    path: string,
    body: object,
    onProgress: (progress: Progress) => void,
  ): Promise<Result> {
    const response = await this.#ask("POST", path, body);
    const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
    try {
      for await (const text of lines) {
        const { progress, result, problem } = JSON.parse(text) as ProgressLine;
        if (problem) throw new OperatorRefusal(problem);
        if (result !== undefined) return result as Result;
        onProgress(progress as Progress);
      }
    } catch (cause) {
      if (cause instanceof OperatorRefusal) throw cause;
      throw new ServerError("ERR_SERVER_UNREACHABLE", "server broke off", { cause });
    } finally {
      lines.close();
      response.destroy();
    }
    throw new ServerError("ERR_SERVER_UNREACHABLE", "server ended before the work did: it goes on when it runs again");
  }

  async #ask(method: string, path: string, body: object | undefined): Promise<IncomingMessage> {
    const response = await this.#open(method, path, body);
    if ((response.statusCode ?? 500) < 300) return response;
    throw new OperatorRefusal((await readJson(response)) as ConstructorParameters<typeof OperatorRefusal>[0]);
  }

  #open(method: string, path: string, body: object | undefined): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    return new Promise((done, refuse) => {
      const asking = request({ socketPath: this.#socketPath, method, path, headers }, done);
      asking.on("error", (cause: NodeJS.ErrnoException) => refuse(this.#notReached(cause)));
      asking.end(text);
    });
  }

  #notReached(cause: NodeJS.ErrnoException): ServerError {
    if (cause.code === "EACCES") {
      const message = `this user may not speak with the server of ${this.#dataPath}: be the server's own user`;
      return new ServerError("ERR_ROLE_DENIED", message, { cause });
    }
    const message = `no server runs over ${this.#dataPath} on this machine: start "pericard server --data ${this.#dataPath}"`;
    return new ServerError("ERR_SERVER_NOT_RUNNING", message, { cause });
  }
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString("utf8");
  return text === "" ? {} : JSON.parse(text);
}
