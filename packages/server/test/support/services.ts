/**
 * The engines that `scripts/services up` started, for tests that need some of them. Where they are is read from the file that
 * `PERICARD_SERVICES` names, or from `.services/services.json` of the repository.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, test } from "vitest";

/** Processes of an engine, for tests that end one. */
interface Processes {
  readonly pids: readonly number[];
}

interface Listener extends Processes {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly passwordFile: string;
}

/** What is known of each engine that runs. */
export interface Services {
  readonly postgresql: Listener & { readonly database: string };
  readonly rabbitmq: Listener;
  readonly radosgw: Processes & {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretFile: string;
  };
  readonly mosquitto: Listener;
  readonly swtpm: Processes & { readonly tcti: string };
  readonly softhsm2: Processes & {
    readonly module: string;
    readonly conf: string;
    readonly tokenLabel: string;
    readonly pinFile: string;
  };
}

export type ServiceName = keyof Services;

const DEFAULT_FILE = join(import.meta.dirname, "../../../../.services/services.json");

/** The file that says where the engines are. */
export const SERVICES_FILE = process.env["PERICARD_SERVICES"] ?? DEFAULT_FILE;

/** Engines that were started; none without the file. */
export function findServices(): Partial<Services> {
  return existsSync(SERVICES_FILE) ? (JSON.parse(readFileSync(SERVICES_FILE, "utf8")) as Partial<Services>) : {};
}

/** A password or secret as `scripts/services` keeps it. */
export function readSecretFile(path: string): string {
  return readFileSync(path, "utf8").trim();
}

/** A suite that needs engines. Without one of them it is skipped with the remedy in its name; with CI=true it fails. */
export function describeServices<Name extends ServiceName>(
  names: readonly Name[],
  title: string,
  suite: (services: Pick<Services, Name>) => void,
): void {
  const services = findServices();
  const missing = names.filter((name) => !services[name]);
  if (missing.length === 0) {
    describe(title, () => suite(services as Services));
    return;
  }
  const remedy = `${title}: needs ${missing.join(" and ")} (scripts/services up --only ${names.join(",")})`;
  test.skipIf(process.env["CI"] !== "true")(remedy, () => {
    throw new Error(remedy);
  });
}

/** Ends every process of an engine as a power cut ends it, and starts it again over its data, at the same place. */
export async function killAndRestart(name: ServiceName): Promise<void> {
  for (const pid of findServices()[name]?.pids ?? []) process.kill(pid, "SIGKILL");
  const script = join(import.meta.dirname, "../../../../scripts/services");
  await promisify(execFile)(script, ["up", "--only", name, dirname(SERVICES_FILE)]);
}
