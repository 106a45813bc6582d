/** What an attack is, what it is tried on, and what is told of it. Source: paper A §IV; docs/attack-lab.md. */
import { SUITE, SUITE_NAME, type SuiteName } from "@pericard/protocol";

/**
 * What is attacked. `A`: paper A alone, whose messages no server takes; the lab has a receiver of its own for them. `A+B`:
 * suite paper-2018, paper A with paper B's envelope around it. `pericard-1`: what the platform uses.
 */
export const TARGET_NAMES = ["A", "A+B", "pericard-1"] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** What happened when an attack was run, and why. */
export interface Outcome {
  readonly succeeded: boolean;
  /** A sentence with what was seen. */
  readonly why: string;
}

/** One attack on one target. `expected` is what theory says, `succeeded` what happened. */
export interface AttackRow extends Outcome {
  readonly attack: string;
  readonly target: TargetName;
  readonly suite: SuiteName;
  readonly expected: boolean;
}

/** What theory says of an attack, for each target. */
export type Theory = Readonly<Record<TargetName, boolean>>;

/** An attack that every target is put to in the same way. */
export interface Attack<T> {
  readonly name: string;
  readonly theory: Theory;
  run(target: T): Outcome | Promise<Outcome>;
}

/** Most theory: it works where nothing is authenticated, and not where all is. */
export const PAPERS_FALL: Theory = { A: true, "A+B": true, "pericard-1": false };
/** What paper B's signature on the way stops. */
export const ONLY_A_FALLS: Theory = { A: true, "A+B": false, "pericard-1": false };

/** The suite that a target is of. */
export function suiteOf(target: TargetName): SuiteName {
  return SUITE_NAME[target === "pericard-1" ? SUITE.pericard1 : SUITE.paper2018];
}

/** The row of an attack on a target. */
export function rowOf(
  { name, theory }: { readonly name: string; readonly theory: Theory },
  target: TargetName,
  { succeeded, why }: Outcome,
): AttackRow {
  return { attack: name, target, suite: suiteOf(target), succeeded, expected: theory[target], why };
}

/** Lets other work go on, and ends a long one when it is to stop. @throws the signal's reason. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  signal.throwIfAborted();
}
