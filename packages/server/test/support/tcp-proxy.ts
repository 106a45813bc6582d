/** A stretch of network between a client and an engine, which a test cuts or lets hang. */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export class TcpProxy {
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #target: { readonly host: string; readonly port: number };
  #state: "open" | "cut" | "hanging" = "open";

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every connection ends, and new ones do too. */
  cut(): void {
    this.#state = "cut";
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Bytes go neither way any more, and nobody is told. */
  hang(): void {
    this.#state = "hanging";
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections work again. */
  open(): void {
    this.#state = "open";
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    this.#keep(client);
    if (this.#state === "cut") return void client.destroy();
    if (this.#state === "hanging") return void client.pause();
    const target = connect(this.#target);
    this.#keep(target);
    client.pipe(target);
    target.pipe(client);
    client.on("close", () => target.destroy());
    target.on("close", () => client.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
