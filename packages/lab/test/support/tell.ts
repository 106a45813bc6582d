/** Figures of a crash test, for whoever reads its output. */

/** Prints what a test did; kills are counted for each program. */
export function tell(
  what: string,
  figures: Readonly<Record<string, unknown>> & { readonly kills?: readonly string[] },
  startedMs: number,
): void {
  const { kills = [], ...rest } = figures;
  const killed = Object.fromEntries([...Map.groupBy(kills, (one) => one)].map(([name, all]) => [name, all.length]));
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  process.stdout.write(`${what}: ${JSON.stringify({ killed, ...rest, seconds })}\n`);
}
