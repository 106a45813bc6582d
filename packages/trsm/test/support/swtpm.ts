/** A simulated TPM 2.0 as a process of its own, on loopback. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "vitest";

const PROGRAMS = ["swtpm", "tpm2_nvdefine"] as const;
const REMEDY = "apt-get install swtpm swtpm-tools tpm2-tools libtss2-tcti-swtpm0";
const START_MS_MAX = 10_000;

/** A running simulated TPM. */
export interface Swtpm {
  /** Where tpm2-tools find it. */
  readonly tcti: string;
  /** Stops it and removes what it holds. */
  stop(): Promise<void>;
}

/** A suite that needs the programs. Without them it is skipped with the remedy in its name; with CI=true it fails. */
export function describeWithSwtpm(name: string, suite: () => void): void {
  const missing = PROGRAMS.filter((program) => spawnSync(program, ["--version"]).error);
  if (missing.length === 0) {
    describe(name, suite);
    return;
  }
  test.skipIf(process.env["CI"] !== "true")(`${name}: needs ${missing.join(" and ")} (${REMEDY})`, () => {
    throw new Error(`${missing.join(" and ")} not found: ${REMEDY}`);
  });
}

/** Starts an empty TPM. */
export async function startSwtpm(): Promise<Swtpm> {
  const folder = mkdtempSync(join(tmpdir(), "pericard-swtpm-"));
  for (;;) {
    const port = await freePortPair();
    const child = spawn("swtpm", swtpmArguments(folder, port), { stdio: "ignore" });
    if (await isListening(child, port)) {
      const tcti = `swtpm:host=127.0.0.1,port=${port}`;
      return { tcti, stop: () => stop(child, folder) };
    }
    await stopChild(child);
  }
}

/** tpm2-tools expect the control port right after the command port. */
function swtpmArguments(folder: string, port: number): readonly string[] {
  return [
    "socket",
    "--tpm2",
    "--tpmstate",
    `dir=${folder}`,
    "--server",
    `type=tcp,bindaddr=127.0.0.1,port=${port}`,
    "--ctrl",
    `type=tcp,bindaddr=127.0.0.1,port=${port + 1}`,
    "--flags",
    "not-need-init,startup-clear",
  ];
}

/** A port that is free now; another process may take it before it is used. */
async function freePortPair(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port < 65_535 ? port : await freePortPair();
}

async function isListening(child: ChildProcess, port: number): Promise<boolean> {
  const deadlineMs = performance.now() + START_MS_MAX;
  while (child.exitCode === null && performance.now() < deadlineMs) {
    if (await connects(port)) return child.exitCode === null;
    await sleep(20);
  }
  return false;
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  await stopChild(child);
  rmSync(folder, { recursive: true, force: true });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
