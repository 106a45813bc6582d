/** The port that a demo asks for. */
import { createServer } from "node:net";

/** `wanted` when nothing listens there on loopback, else 0: any. The same address every day is easier to find. */
export function preferPort(wanted: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(0));
    probe.listen({ host: "127.0.0.1", port: wanted }, () => probe.close(() => resolve(wanted)));
  });
}
