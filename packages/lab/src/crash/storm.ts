/** Kills programs at random moments while a terminal records a file, and starts each again at once. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "./program.ts";
import type { Seeded } from "./seeded.ts";
import type { Site, StationName } from "./site.ts";

/** A program that may be killed. */
export type Victim = "terminal" | StationName;

/** What a storm did before the terminal had finished. */
export interface StormReport {
  /** Kills in order. */
  readonly kills: readonly Victim[];
  /** What the terminal's last run told at its end. */
  readonly result: Record<string, unknown>;
}

/** Milliseconds that the random part of a moment may take. */
const MOMENT_MS = { starting: 900, running: 500, carrying: 40 } as const;
const ENVELOPES_MAX = 2;
/** Half of the kills fall while an envelope is on its way or just came. */
const MOMENTS = ["starting", "running", "carrying", "carrying"] as const;

/** Resolves when that many more envelopes passed to a program. */
function envelopesPassed(site: Site, to: StationName, count: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let leftCount = count;
    const onEnvelope = (passedTo: StationName): void => {
      if (passedTo === to) leftCount -= 1;
      if (leftCount === 0) resolve();
    };
    site.traffic.on("envelope", onEnvelope);
    signal.addEventListener("abort", () => {
      site.traffic.off("envelope", onEnvelope);
      resolve();
    });
  });
}

/** Waits for the moment of one kill. */
async function awaitMoment(site: Site, victim: Victim, program: Program, random: Seeded, signal: AbortSignal) {
  const kind = random.pick(MOMENTS);
  const envelopeCount = random.between(1, ENVELOPES_MAX);
  const restMs = random.between(0, MOMENT_MS[kind]);
  if (kind !== "starting") await program.ready;
  if (kind === "carrying") {
    await envelopesPassed(site, victim === "server" ? "server" : "gateway", envelopeCount, signal);
  }
  await sleep(restMs, undefined, { signal }).catch(() => undefined);
}

/** Whether the moment came before the terminal ended by itself. */
async function struckInTime(site: Site, victim: Victim, terminal: Program, random: Seeded): Promise<boolean> {
  const over = new AbortController();
  const program = victim === "terminal" ? terminal : site.station(victim);
  try {
    const moment = awaitMoment(site, victim, program, random, over.signal).then(() => true);
    moment.catch(() => undefined);
    return await Promise.race([moment, terminal.ended.then(() => false)]);
  } finally {
    over.abort();
  }
}

const killStation = (site: Site, station: StationName): Promise<unknown> => site.station(station).kill();

/**
 * Records with the same arguments until the terminal has finished by itself, killing on the way. Ends early when there
 * are more victims than the recording lasts.
 *
 * @param strike what becomes of a station; it must have ended when it resolves.
 * @throws {LabError} ERR_CHILD_FAILED when a program ends otherwise than killed or finished.
 */
export async function recordInStorm(
  site: Site,
  args: readonly string[],
  victims: readonly Victim[],
  random: Seeded,
  strike: (site: Site, station: StationName) => Promise<unknown> = killStation,
): Promise<StormReport> {
  let terminal = site.spawn(args);
  const kills: Victim[] = [];
  for (const victim of victims) {
    if (!(await struckInTime(site, victim, terminal, random))) break;
    if (victim === "terminal") {
      const { signal } = await terminal.kill();
      if (signal === null) break;
      terminal = site.spawn(args);
    } else {
      await strike(site, victim);
      site.start(victim);
    }
    kills.push(victim);
  }
  await terminal.success();
  return { kills, result: terminal.lines.at(-1) ?? {} };
}
