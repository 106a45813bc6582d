/** Looks for secrets in what a module shows. */
import { deriveGroupKey } from "@pericard/crypto";
import { SUITE } from "@pericard/protocol";
import { expect } from "vitest";
import { identityKeys } from "../../src/keyed-module.ts";
import { SERIAL, TENANT, type LoadedModule } from "./modules.ts";

/** Everything secret of a module, in parts small enough that no part of it slips through: 128 of them. */
export function secretsOf({
  block,
  identitySeed,
  authorisation,
}: Pick<LoadedModule, "block" | "identitySeed" | "authorisation">): readonly Uint8Array[] {
  const binding = { suite: SUITE.pericard1, tenant: TENANT, terminal: SERIAL };
  const groups = (["storage", "transport", "command", "return"] as const).map((label) =>
    deriveGroupKey(block, binding, label, 0, 0),
  );
  const { signKey, agreeKey } = identityKeys(identitySeed);
  const privates = [signKey, agreeKey].map(
    (key) => new Uint8Array(key.export({ format: "der", type: "pkcs8" }).subarray(-32)),
  );
  const parts = Array.from({ length: 120 }, (_, i) => block.subarray(8 * i, 8 * i + 8));
  return [...parts, identitySeed, authorisation, ...groups, ...privates];
}

/** All byte strings that can be reached from a value through its properties, hidden ones too. */
export function bytesReachable(value: unknown, seen = new Set<unknown>()): readonly Uint8Array[] {
  if (value === null || (typeof value !== "object" && typeof value !== "function") || seen.has(value)) return [];
  seen.add(value);
  if (value instanceof Uint8Array) return [value];
  const keys = Reflect.ownKeys(value);
  return keys.flatMap((key) => bytesReachable((value as Record<PropertyKey, unknown>)[key], seen));
}

export function expectNoSecret(found: readonly Uint8Array[], secrets: readonly Uint8Array[]): void {
  for (const bytes of found) {
    const buffer = Buffer.from(bytes);
    for (const secret of secrets) expect(buffer.includes(secret)).toBe(false);
  }
}
