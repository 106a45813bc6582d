/** Gateways between a terminal and a server in memory, real ones, put away after the tests of their file. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startGateway, type GatewaySettings, type RunningGateway } from "@pericard/gateway";
import { afterAll } from "vitest";
import { temporaryFolder } from "./deployed.ts";

export const TOKEN = "token-of-a-terminal-or-gateway";

const cleanups: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Settings of a gateway with one client, over one upstream. */
export function settingsFor(upstreamUrl: string, changes: Partial<GatewaySettings> = {}): GatewaySettings {
  return {
    port: 0,
    folderPath: join(temporaryFolder(), "spool"),
    clients: [{ name: "client", token: TOKEN }],
    upstreams: [{ url: upstreamUrl, token: TOKEN }],
    ...changes,
  };
}

/** A gateway in this process. */
export async function runGateway(settings: GatewaySettings): Promise<RunningGateway> {
  const gateway = await startGateway(settings, { log: { level: "silent" } });
  cleanups.push(() => gateway.close());
  return gateway;
}

/** A gateway that runs in a process of its own. */
interface Spawned {
  readonly url: string;
  readonly mqttUrl: string | undefined;
  readonly kill: () => Promise<void>;
}

/** A gateway in a process of its own, to be killed. */
export async function spawnGateway(settings: GatewaySettings): Promise<Spawned> {
  const program = join(import.meta.dirname, "..", "..", "..", "gateway", "test", "support", "gateway-process.ts");
  const child: ChildProcess = spawn(process.execPath, [program, JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => void child.kill("SIGKILL"));
  if (!child.stdout) throw new Error("gateway has no output");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const kill = async (): Promise<void> => {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  const [url = "", mqttUrl] = line.toString().trim().split(" ");
  return { url, mqttUrl, kill };
}
