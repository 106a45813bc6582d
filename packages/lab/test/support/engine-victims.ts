/** Processes of an installation on engines that a test kills, each with the way it comes back. */
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { findServices, SERVICES_FILE } from "../../../server/test/support/services.ts";
import type { Ending, Program } from "../../src/crash/program.ts";

/** Every kind of process. The last three are one S3 server. */
export const VICTIM_KINDS = ["server", "worker", "postgresql", "rabbitmq", "radosgw", "ceph-osd", "ceph-mon"] as const;
export type VictimKind = (typeof VICTIM_KINDS)[number];

/** One process. */
export interface Victim {
  readonly kind: VictimKind;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again, and resolves when it is ready. */
  restart(): Promise<void>;
}

const SCRIPT = join(import.meta.dirname, "../../../../scripts/services");
/** Which processes an engine has, in the order of `pids` in services.json. */
const ENGINES = {
  postgresql: ["postgresql"],
  rabbitmq: ["rabbitmq"],
  radosgw: ["radosgw", "ceph-osd", "ceph-mon"],
} as const satisfies Record<string, readonly VictimKind[]>;

/** As an operating system restarts a service. */
const RESTART_MS = 500;
const RESTARTS_MAX = 20;

/** A program of ours, started again whenever it is killed, and until it is ready. */
export class Service {
  readonly kind: VictimKind;
  /** Ends that nobody ordered: what a program that must survive its engines died of. */
  readonly deaths: string[] = [];
  readonly #start: () => Program;
  #program: Program;
  #isOrdered = false;

  constructor(kind: VictimKind, start: () => Program) {
    this.kind = kind;
    this.#start = start;
    this.#program = this.#watched();
  }

  get ready(): Promise<unknown> {
    return this.#program.ready;
  }

  async kill(): Promise<void> {
    this.#isOrdered = true;
    await this.#program.kill();
  }

  async restart(): Promise<void> {
    for (let tries = 0; tries < RESTARTS_MAX; tries += 1) {
      this.#isOrdered = false;
      this.#program = this.#watched();
      if (
        await this.#program.ready.then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(RESTART_MS);
    }
    throw new Error(`${this.kind} does not start: ${this.deaths.join("; ")}`);
  }

  async stop(): Promise<void> {
    this.#isOrdered = true;
    await this.#program.stop();
  }

  #watched(): Program {
    const program = this.#start();
    void program.ended.then(({ code, signal }: Ending) => {
      if (!this.#isOrdered)
        this.deaths.push(`${this.kind} ended with ${signal ?? `code ${code}`}: ${program.log.join(" | ")}`);
    });
    return program;
  }
}

/** A process of an engine. */
export function engineVictim(kind: Exclude<VictimKind, "server" | "worker">): Victim {
  const engine = (Object.keys(ENGINES) as (keyof typeof ENGINES)[]).find((name) =>
    (ENGINES[name] as readonly VictimKind[]).includes(kind),
  );
  if (!engine) throw new RangeError(`kind: no engine has ${kind}`);
  const at = (ENGINES[engine] as readonly VictimKind[]).indexOf(kind);
  return {
    kind,
    kill: async () => {
      const pid = findServices()[engine]?.pids[at];
      if (pid === undefined) throw new RangeError(`${engine} has no process ${at}`);
      process.kill(pid, "SIGKILL");
    },
    restart: async () => {
      await promisify(execFile)(SCRIPT, ["up", "--only", engine, dirname(SERVICES_FILE)]);
    },
  };
}
