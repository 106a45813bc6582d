/**
 * Destroys the server's retired hpke keys when their 90 days are over: at the start, and then once an hour.
 *
 * Source: docs/keys.md, "The server's keys".
 */
import type { Audit } from "../access/audit.ts";
import type { ServerKeys } from "./server-keys.ts";

export interface KeyDestructionParts {
  readonly serverKeys: ServerKeys;
  readonly audit: Audit;
  readonly nowUnixMs: () => number;
  /** Told of what failed; it is tried again an hour later. */
  readonly onError: (error: unknown) => void;
}

const HOUR_MS = 3600 * 1000;

/** Destroys what is due, and writes each into the audit trail. Several servers may do it at once. */
export async function destroyRetiredKeys({ serverKeys, audit, nowUnixMs }: KeyDestructionParts): Promise<void> {
  for (const { keyId, purpose, version } of await serverKeys.destroyRetired(nowUnixMs())) {
    await audit.record({
      actor: "server",
      action: `${purpose} key ${version} destroyed`,
      subject: keyId,
      outcome: "done",
    });
  }
}

/** @returns what ends it. */
export function startKeyDestruction(parts: KeyDestructionParts): () => void {
  const run = (): void => void destroyRetiredKeys(parts).catch(parts.onError);
  run();
  const timer = setInterval(run, HOUR_MS);
  timer.unref();
  return () => clearInterval(timer);
}
