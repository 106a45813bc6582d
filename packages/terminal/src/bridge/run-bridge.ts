/** A terminal that is a bridge for plain sensors. Source: docs/bridge.md. */
import type { RecordOptions, Terminal, TerminalReport } from "../terminal.ts";
import { Bridge, type BridgeParts } from "./bridge.ts";
import type { OpenWay } from "./listen.ts";

/** How to be one. */
export interface BridgeOptions extends RecordOptions, Pick<BridgeParts, "rules" | "nowUnixMs" | "onRefused"> {
  /** Opens the ways in. One that throws ends the run; what is open is closed. */
  readonly openWays: (bridge: Bridge, onOpen: (way: OpenWay) => void) => Promise<void>;
}

/**
 * Takes what sensors send until the signal is aborted.
 *
 * @throws {TerminalError} as {@link Terminal.observe}; what `openWays` throws.
 */
export async function runBridge(terminal: Terminal, options: BridgeOptions): Promise<TerminalReport> {
  const { rules, nowUnixMs, onRefused, openWays, signal } = options;
  const refused = terminal.openRefusedLog();
  const stop = new AbortController();
  const open: OpenWay[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.splice(0).map((way) => way.close()));
    stop.abort();
  };
  const onAbort = (): void => void close();
  signal.addEventListener("abort", onAbort);
  try {
    let opened: Promise<void> = Promise.resolve();
    const observed = terminal.observe({ ...options, signal: stop.signal }, (take) => {
      const bridge = new Bridge({ take, rules, refused, nowUnixMs, onRefused });
      opened = openWays(bridge, (way) => open.push(way));
      // A way that cannot be opened ends the run, and is told when it has ended.
      opened.catch(() => stop.abort());
    });
    if (signal.aborted) stop.abort();
    const report = await observed;
    await opened;
    return report;
  } finally {
    signal.removeEventListener("abort", onAbort);
    await close();
    refused.close();
  }
}
