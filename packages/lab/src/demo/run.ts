/** The demo that runs until it is stopped: terminals stream, the viewer shows. */
import { SERVER_DEFAULTS } from "@pericard/server";
import { startChild, type Child } from "./child.ts";
import { preferPort } from "./free-port.ts";
import { createDemoLink, demoPaths, openDemo, prepareTerminal } from "./installation.ts";
import { startSensors } from "./sensors.ts";
import { startStack } from "./stack.ts";
import { ensureViewer } from "./viewer-build.ts";

export interface DemoOptions {
  readonly dataPath: string;
  readonly terminalCount: number;
  /** A WFDB header that terminal 1 records, beside the live streams; undefined for none. */
  readonly recordPath: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
  readonly onLog: (line: string) => void;
}

/** A demo that runs. */
export interface RunningDemo {
  /** The viewer's address with a one-time sign-in link. */
  readonly signInUrl: string;
  readonly serverUrl: string;
  readonly gatewayUrl: string;
  readonly dataPath: string;
  readonly isNew: boolean;
  /** What terminals told last. */
  statuses(): readonly Record<string, unknown>[];
  stop(): Promise<void>;
}

const LINK_LIFETIME_MS = 24 * 3600_000;
const SEGMENT_SECONDS = 2;

function terminalArgs(path: string, number: number): readonly string[] {
  const source = ["--synthetic", "--pleth", "--seed", String(number), "--heart-rate", String(58 + 9 * number)];
  return ["terminal", "record", "--data", path, ...source, "--segment-seconds", String(SEGMENT_SECONDS), "--json"];
}

/** Makes what is missing, starts everything, and gives the address. */
export async function runDemo(options: DemoOptions): Promise<RunningDemo> {
  const { onProgress, onLog } = options;
  const paths = demoPaths(options.dataPath);
  const viewerPath = await ensureViewer(() => onProgress("building the viewer"));
  const { store, isNew } = openDemo(paths);
  onProgress(isNew ? `made an installation in ${paths.root}` : `found the installation in ${paths.root}`);
  const port = await preferPort(SERVER_DEFAULTS.port);
  const stack = await startStack({ paths, viewerPath, port, onLog });
  onProgress("server and gateway are up");
  const numbers = Array.from({ length: options.terminalCount }, (_, i) => i + 1);
  for (const number of numbers) prepareTerminal(paths, store, number, stack.gatewayUrl);
  const recording = options.recordPath;
  if (recording !== undefined) {
    onProgress(`terminal 1 records ${recording} first`);
    const args = ["terminal", "record", "--data", paths.terminal(1), "--record", recording, "--json"];
    await (
      await startChild({ args, onLog })
    ).ended;
  }
  const terminals: Child[] = [];
  for (const number of numbers) {
    terminals.push(await startChild({ args: terminalArgs(paths.terminal(number), number), onLog }));
    onProgress(`terminal ${number} of ${numbers.length} records and uploads`);
  }
  const link = createDemoLink(store, LINK_LIFETIME_MS);
  // Nobody waits for the sensors: the first page is there before them.
  const sensors = startSensors({ paths, store, gatewayUrl: stack.gatewayUrl, isNew, onLog }).catch((error: unknown) => {
    onLog(`sensors do not start: ${String(error)}`);
  });
  return {
    signInUrl: `${stack.serverUrl}/sign-in#token=${link}`,
    serverUrl: stack.serverUrl,
    gatewayUrl: stack.gatewayUrl,
    dataPath: paths.root,
    isNew,
    statuses: () => terminals.map(({ lines }) => lines.at(-1) ?? {}),
    stop: async () => {
      await Promise.all([...terminals, await sensors].map((running) => running?.stop()));
      await stack.stop();
      store.close();
    },
  };
}
