/** A whole installation for a browser test: server with viewer, gateway, terminals, each a process of its own. */
import { ApiClient, type RecordingDescription } from "@pericard/server";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startChild, type Child } from "../../src/demo/child.ts";
import { createDemoLink, demoPaths, openDemo, prepareTerminal, type DemoPaths } from "../../src/demo/installation.ts";
import { startStack } from "../../src/demo/stack.ts";
import { ensureViewer } from "../../src/demo/viewer-build.ts";

const LINK_LIFETIME_MS = 600_000;

/** A running installation. Terminals are numbered from 1; each has a patient `Demo patient <number>`. */
export interface Bed {
  readonly paths: DemoPaths;
  readonly serverUrl: string;
  readonly gatewayUrl: string;
  /** Folder of the built viewer. */
  readonly viewerPath: string;
  /** Address with a fresh one-time link. */
  link(): string;
  /** The API as the demo's clinician. */
  api(): Promise<ApiClient>;
  /** Runs a terminal to its end. @returns what it told last. */
  run(number: number, ...args: readonly string[]): Promise<Record<string, unknown>>;
  /** Runs `terminal record` to its end. @returns the recording's id. */
  record(number: number, ...args: readonly string[]): Promise<string>;
  /** Starts a terminal that goes on until it is stopped. */
  start(number: number, ...args: readonly string[]): Promise<Child>;
  /** Stops everything and removes its folder. */
  close(): Promise<void>;
}

/** Makes an installation in a temporary folder and starts it. */
export async function openBed(): Promise<Bed> {
  const viewerPath = await builtViewer();
  const paths = demoPaths(mkdtempSync(join(tmpdir(), "pericard-bed-")));
  const { store } = openDemo(paths);
  const log: string[] = [];
  const onLog = (line: string): void => void log.push(line);
  const stack = await startStack({ paths, viewerPath, port: 0, onLog });
  const started: Child[] = [];
  const link = (): string => createDemoLink(store, LINK_LIFETIME_MS);
  const start = async (number: number, command: string, args: readonly string[]): Promise<Child> => {
    prepareTerminal(paths, store, number, stack.gatewayUrl);
    const child = await startChild({
      args: ["terminal", command, "--data", paths.terminal(number), ...args, "--json"],
      onLog,
    });
    started.push(child);
    return child;
  };
  const run = async (number: number, command: string, args: readonly string[]): Promise<Record<string, unknown>> => {
    const child = await start(number, command, args);
    const code = await child.ended;
    if (code !== 0) throw new Error(`terminal ${command} ended with code ${code}: ${log.slice(-20).join(" | ")}`);
    return child.lines.at(-1) ?? {};
  };
  return {
    paths,
    serverUrl: stack.serverUrl,
    gatewayUrl: stack.gatewayUrl,
    viewerPath,
    link: () => `${stack.serverUrl}/sign-in#token=${link()}`,
    api: () => ApiClient.signIn(stack.serverUrl, link()),
    run: (number, command = "record", ...args) => run(number, command, args),
    record: async (number, ...args) => String((await run(number, "record", args))["recording"]),
    start: (number, ...args) => start(number, "record", args),
    close: async () => {
      for (const child of started) if (child.process.exitCode === null) child.process.kill("SIGKILL");
      await Promise.all(started.map(({ ended }) => ended));
      await stack.stop();
      store.close();
      rmSync(paths.root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The viewer, built by one test process at a time: they share the folder. */
export async function builtViewer(): Promise<string> {
  const lock = join(tmpdir(), "pericard-viewer-build.lock");
  const giveUpMs = performance.now() + 120_000;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (performance.now() > giveUpMs) throw new Error(`another build of the viewer holds ${lock}`);
      await sleep(100);
    }
  }
  try {
    return await ensureViewer(() => undefined);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Asks until the answer is there. @throws {Error} when it does not come. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, withinMs = 60_000): Promise<T> {
  const giveUpMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for ${what}`);
    await sleep(50);
  }
}

/** The newest recording of a terminal, once there is one that passes. */
export function newestRecording(
  api: ApiClient,
  number: number,
  passes: (recording: RecordingDescription) => boolean = () => true,
): Promise<RecordingDescription> {
  return eventually(`a recording of terminal ${number}`, async () => {
    const patient = (await api.patients()).find(({ name }) => name === `Demo patient ${number}`);
    if (!patient) return undefined;
    const recordings = await api.recordings(patient.id);
    return recordings.find((recording) => passes(recording));
  });
}
