/** One terminal at one server, put together for a test. */
import { systemRandom } from "@pericard/crypto";
import type { MemoryFolder } from "@pericard/framelog";
import {
  systemClock,
  Terminal,
  type Clock,
  type Source,
  type TerminalEvent,
  type TerminalProfile,
  type TerminalReport,
} from "@pericard/terminal";
import type { TestServer } from "./test-server.ts";

/** A terminal with everything that it told. */
export interface Bench {
  readonly terminal: Terminal;
  readonly events: TerminalEvent[];
}

/** Opens a terminal's folder against a server in memory. */
export function openBench(
  folder: MemoryFolder,
  server: TestServer,
  options: { readonly clock?: Clock; readonly profile?: TerminalProfile } = {},
): Bench {
  const { clock = systemClock, profile = {} } = options;
  const terminal = new Terminal({ folder, clock, random: systemRandom, transport: () => server.transport() }, profile);
  const events: TerminalEvent[] = [];
  terminal.onEvent((event) => void events.push(event));
  return { terminal, events };
}

/** A signal that nobody aborts. */
export const NEVER = new AbortController().signal;

/** Records without uploading. */
export function record(terminal: Terminal, source: Source, signal: AbortSignal = NEVER): Promise<TerminalReport> {
  return terminal.record(source, { signal, upload: false });
}

/** Waits until a condition holds, letting everything else run. */
export async function until(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const stop = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > stop) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
