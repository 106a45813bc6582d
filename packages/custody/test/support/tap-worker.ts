/** A way to a local port that swallows everything while it is paused. */
import { connect, createServer, type AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const { port } = workerData as { readonly port: number };
let isPaused = false;
const server = createServer((near) => {
  const far = connect(port, "127.0.0.1");
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on("data", (bytes) => void (isPaused || to.write(bytes)));
    from.on("close", () => to.destroy());
    from.on("error", () => to.destroy());
  }
});
server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port));
parentPort?.on("message", (wish: string) => {
  isPaused = wish === "pause";
});
