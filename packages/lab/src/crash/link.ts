/**
 * The network between two programs, as a small TCP proxy: its address stays the same while what is behind it comes and
 * goes, it can be cut, and it hears what passes.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { HttpTap, type TappedMessage } from "./http-tap.ts";

/** What a link tells of whole messages that passed. */
export interface LinkListener {
  onRequest(message: TappedMessage): void;
  onAnswer(message: TappedMessage): void;
}

/** A cut network: `refused` ends every connection; `silent` loses what is sent and ends none. */
export type Cut = "refused" | "silent";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** One link. */
export class Link {
  readonly #server: Server;
  readonly #listener: LinkListener;
  readonly #pairs = new Set<Pair>();
  #port: number | undefined;
  #cut: Cut | undefined;

  private constructor(server: Server, listener: LinkListener) {
    this.#server = server;
    this.#listener = listener;
    server.on("connection", (socket) => this.#connected(socket));
  }

  /** Listens on loopback. */
  static async open(listener: LinkListener): Promise<Link> {
    const server = createServer();
    const link = new Link(server, listener);
    await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sets where connections go from now on. */
  leadTo(url: string): void {
    this.#port = Number(new URL(url).port);
  }

  cut(kind: Cut): void {
    this.#cut = kind;
    if (kind === "refused") this.#breakAll();
    else for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.pause();
  }

  /** Ends a cut. Connections that a silent one held are broken: what was lost on them does not come again. */
  heal(): void {
    if (this.#cut === "silent") this.#breakAll();
    this.#cut = undefined;
  }

  async close(): Promise<void> {
    this.#breakAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #breakAll(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  #connected(near: Socket): void {
    if (this.#port === undefined || this.#cut === "refused") {
      near.on("error", () => undefined);
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: "127.0.0.1", port: this.#port });
    const pair = { near, far };
    this.#pairs.add(pair);
    this.#carry(near, far, new HttpTap((message) => this.#listener.onRequest(message)));
    this.#carry(far, near, new HttpTap((message) => this.#listener.onAnswer(message)));
    for (const socket of [near, far]) socket.on("close", () => this.#pairs.delete(pair));
    if (this.#cut === "silent") for (const socket of [near, far]) socket.pause();
  }

  #carry(from: Socket, to: Socket, tap: HttpTap): void {
    from.setNoDelay(true);
    from.on("data", (chunk: Buffer) => {
      if (this.#cut === "silent") return;
      to.write(chunk);
      tap.push(chunk);
    });
    from.on("end", () => to.end());
    from.on("error", () => undefined);
    from.on("close", (failed) => (failed ? to.resetAndDestroy() : to.destroySoon()));
  }
}
