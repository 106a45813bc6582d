/** `pericard volumes`: the file systems of a storage server, through its operator's socket. */
import { resolve } from "node:path";
import type { CopyComparison } from "@pericard/custody";
import type { DrainState, RepairState, ScrubReport, ScrubState, VolumeDescription } from "@pericard/server";
import { operatorOf, type OperatorOptions } from "../operator.ts";
import { bytesText, outputFor, table } from "../output.ts";

interface VolumesAnswer {
  readonly volumes: readonly VolumeDescription[];
  readonly scrub: ScrubState | null;
  readonly repair: RepairState;
  readonly keyCopies: CopyComparison | null;
}

const bytesOrDash = (sizeBytes: number | null): string => (sizeBytes === null ? "-" : bytesText(sizeBytes));

function rowOf(volume: VolumeDescription): readonly string[] {
  const { volumeId, place, state, copies, packBytes, freeBytes, queuedItems } = volume;
  const sizes = [String(copies), bytesOrDash(packBytes), bytesOrDash(freeBytes), String(queuedItems)];
  return [volumeId ?? "-", state, ...sizes, place, whyOf(volume)];
}

const timeText = (unixMs: number): string => new Date(unixMs).toISOString();

function whyOf({ reason, sinceUnixMs, drain }: VolumeDescription): string {
  const why = reason === null ? [] : [`${reason} (since ${timeText(sinceUnixMs)})`];
  if (!drain) return why.join("; ");
  const stuck = drain.stuck > 0 ? `, ${drain.stuck} wait for room elsewhere` : "";
  const drained = drain.emptyAtUnixMs === null ? `drains: ${drain.moved} moved${stuck}` : "drained: it can be removed";
  return [...why, drained].join("; ");
}

function keyLines(found: CopyComparison | null): readonly string[] {
  const unreadable = (found?.unreadable ?? []).map((path) => `key store: copy in ${path} was damaged and made anew`);
  const differences = (found?.differences ?? []).map(({ folderPaths, table, rowCounts }) => {
    const rows = Math.max(...rowCounts);
    return `key store: ${rows} rows of ${table} differ between ${folderPaths.join(" and ")}`;
  });
  return [...unreadable, ...differences];
}

function careLines({ scrub, repair, keyCopies }: VolumesAnswer): readonly string[] {
  const walk = scrub && {
    when: scrub.completedAtUnixMs === null ? "under way" : `completed ${timeText(scrub.completedAtUnixMs)}`,
    found: `${scrub.bad} damaged, ${scrub.healed} healed, ${scrub.lost} without a whole copy`,
  };
  return [
    walk ? `scrub: ${walk.when}, ${scrub.items} items, ${walk.found}` : "scrub: not begun yet",
    ...keyLines(keyCopies),
    ...(repair.isUnderWay || repair.missing > 0 ? [`repair: ${repair.made} made, ${repair.missing} missing`] : []),
  ];
}

export async function list(options: OperatorOptions): Promise<void> {
  const answer = await operatorOf(options).get<VolumesAnswer>("/v1/volumes");
  const head = ["volume", "state", "copies", "packs", "left", "queue", "place", "why"];
  outputFor(options).result(answer, [...table(head, answer.volumes.map(rowOf)), ...careLines(answer)]);
}

function scrubLine({ items, bytes, bad, healed, made, missing, lost }: ScrubReport): string {
  const copies = `${bad} copies damaged, ${healed} healed, ${made} missing made, ${missing} missing still`;
  return `${items} items, ${bytesText(bytes)} read: ${copies}, ${lost} items without a whole copy`;
}

export async function scrub(options: OperatorOptions & { volume?: string }): Promise<void> {
  const output = outputFor(options);
  const wish = options.volume === undefined ? {} : { volumeId: options.volume };
  const tell = (report: ScrubReport): void => output.progress(scrubLine(report));
  const report = await operatorOf(options).follow<ScrubReport, ScrubReport>("/v1/volumes/scrub", wish, tell);
  const keyCopies = await operatorOf(options).send<CopyComparison>("POST", "/v1/key-copies/compare");
  const named = report.findings.map(({ copy, what, healed }) => {
    const where = `volume ${copy.volumeId} pack ${copy.fileNumber} byte ${copy.offsetBytes}`;
    return `${where}: ${what}, ${healed ? "healed" : "not healed"}`;
  });
  output.result({ ...report, keyCopies }, [...named, ...keyLines(keyCopies), scrubLine(report)]);
  const isWhole = report.lost === 0 && report.missing === 0 && report.healed === report.bad;
  if (!isWhole || keyCopies.differences.length > 0) process.exitCode = 1;
}

export async function add(folder: string, options: OperatorOptions): Promise<void> {
  const added = await operatorOf(options).send<{ volumeId: string; place: string }>("POST", "/v1/volumes", {
    path: resolve(folder),
  });
  outputFor(options).result(added, [`volume ${added.volumeId} is in service at ${added.place}`]);
}

const WAIT_MS = 1000;

async function drainOf(volume: string, options: OperatorOptions): Promise<VolumeDescription["drain"]> {
  const { volumes } = await operatorOf(options).get<VolumesAnswer>("/v1/volumes");
  return volumes.find(({ volumeId }) => volumeId === volume)?.drain ?? null;
}

export async function drain(
  volume: string,
  options: OperatorOptions & { cancel?: boolean; wait?: boolean },
): Promise<void> {
  const output = outputFor(options);
  const path = `/v1/volumes/${volume}/drain`;
  if (options.cancel) {
    await operatorOf(options).send("DELETE", path);
    return output.result({ volumeId: volume, drain: null }, [`volume ${volume} gets packages again`]);
  }
  let state: DrainState | null = await operatorOf(options).send<DrainState>("POST", path);
  while (options.wait && state && state.emptyAtUnixMs === null) {
    output.progress(`${state.moved} copies moved, ${state.stuck} wait for room elsewhere`);
    await new Promise((done) => setTimeout(done, WAIT_MS));
    state = await drainOf(volume, options);
  }
  const isEmpty = state !== null && state.emptyAtUnixMs !== null;
  const what = isEmpty ? "is empty: it can be removed" : `is being drained: see "pericard volumes list"`;
  return output.result({ volumeId: volume, drain: state }, [`volume ${volume} ${what}`]);
}

export async function remove(volume: string, options: OperatorOptions): Promise<void> {
  await operatorOf(options).send("DELETE", `/v1/volumes/${volume}`);
  outputFor(options).result({ volumeId: volume }, [`volume ${volume} is out of service: its folder may go`]);
}
