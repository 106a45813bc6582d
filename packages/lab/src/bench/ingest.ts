/**
 * How fast one server process stores segments durably, beside a floor measured in the same run: a bare program that does
 * only what cannot be left out.
 *
 * Server and floor run by turns on one core, the load on another; while one is measured the other is stopped.
 *
 * Source: ARCHITECTURE.md.
 */
import { UPLOAD_PATH } from "@pericard/protocol";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startChild, type Child } from "./child.ts";
import type { PreparedEnvelope } from "./fleet.ts";
import type { FloorChildMethods } from "./floor/floor-child.ts";
import type { FloorPart } from "./floor/floor-parts.ts";
import { NOTHING_PATH } from "./floor/paths.ts";
import {
  checkIngestOptions,
  INGEST_DEFAULTS,
  type IngestOptions,
  type IngestProgress,
  type IngestReport,
} from "./ingest-options.ts";
import { createBenchInstallation, type BenchInstallation } from "./installation.ts";
import { runLoad, type LoadReport } from "./load.ts";
import { median } from "./median.ts";
import { placeProcesses, type Placement } from "./placement.ts";
import { createReceiptCheck } from "./receipts.ts";
import { residentProcess } from "./resident.ts";
import type { ServerChildMethods } from "./server-child.ts";

export { INGEST_DEFAULTS, type IngestOptions, type IngestProgress, type IngestReport };

const SERVER_MODULE = new URL("./server-child.ts", import.meta.url);
const FLOOR_MODULE = new URL("./floor/floor-child.ts", import.meta.url);
/** Envelopes that the floor's parts are measured with, and how long each part is. */
const PART_SAMPLES = 64;
const PART_MS_MAX = 700;
/** The server may be that much faster in a round than in the one before; it then ends early. */
const HEADROOM = 1.1;

/** One side under load. */
interface Side {
  readonly name: "server" | "floor";
  readonly child: Child<Pick<ServerChildMethods, "processor">>;
  readonly url: string;
  readonly accept: (answer: Uint8Array, envelope: PreparedEnvelope) => boolean;
}

/** One measured round. */
interface Round extends LoadReport {
  /** Processor time of the child per segment, in microseconds. */
  readonly microseconds: number;
}

interface Bench {
  readonly options: IngestOptions;
  readonly installation: BenchInstallation;
  readonly serverChild: Child<ServerChildMethods>;
  readonly floorChild: Child<FloorChildMethods>;
  readonly server: Side;
  readonly floor: Side;
  readonly onProgress: (progress: IngestProgress) => void;
}

/** Hands out envelopes until there are none or the time is over; with `again`, from the beginning when there are none. */
function supply(envelopes: readonly PreparedEnvelope[], seconds: number, again: boolean) {
  const endMs = performance.now() + 1000 * seconds;
  let at = 0;
  return (): PreparedEnvelope | undefined => {
    if (performance.now() >= endMs) return undefined;
    const envelope = envelopes[again ? at % envelopes.length : at];
    at += 1;
    return envelope;
  };
}

async function runSide(bench: Bench, side: Side, next: () => PreparedEnvelope | undefined): Promise<Round> {
  const { concurrency } = bench.options;
  const { token } = bench.installation;
  side.child.resume();
  const begun = await side.child.ask("processor");
  const report = await runLoad({ url: side.url, token, concurrency, next, accept: side.accept });
  const used = (await side.child.ask("processor")) - begun;
  side.child.pause();
  return { ...report, microseconds: used / report.accepted };
}

/** Warms both sides up. @returns the server's rate. */
async function warmUp(bench: Bench): Promise<number> {
  const { installation, options, onProgress } = bench;
  onProgress({ phase: "preparing", envelopes: options.warmUpEnvelopes });
  const envelopes = installation.fleet.prepare(options.warmUpEnvelopes);
  const { perSecond } = await runSide(bench, bench.server, supply(envelopes, Infinity, false));
  await runSide(bench, bench.floor, supply(envelopes, Infinity, false));
  return perSecond;
}

interface Rounds {
  readonly server: readonly Round[];
  readonly floor: readonly Round[];
}

async function runRounds(bench: Bench): Promise<Rounds> {
  const { options, installation, onProgress } = bench;
  let rate = await warmUp(bench);
  const server: Round[] = [];
  const floor: Round[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const count = Math.ceil(rate * HEADROOM * options.seconds);
    onProgress({ phase: "preparing", envelopes: count });
    const envelopes = installation.fleet.prepare(count);
    const ofServer = await runSide(bench, bench.server, supply(envelopes, options.seconds, false));
    onProgress({ phase: "server", round, segmentsPerSecond: ofServer.perSecond });
    const ofFloor = await runSide(bench, bench.floor, supply(envelopes, options.seconds, true));
    onProgress({ phase: "floor", round, segmentsPerSecond: ofFloor.perSecond });
    server.push(ofServer);
    floor.push(ofFloor);
    rate = ofServer.perSecond;
  }
  return { server, floor };
}

/** What each part of the floor costs alone. HTTP is measured under the load, with a path that does nothing else. */
async function measureFloorParts(bench: Bench): Promise<readonly FloorPart[]> {
  const { floor, floorChild, installation, options, onProgress } = bench;
  onProgress({ phase: "parts" });
  const envelopes = installation.fleet.prepare(PART_SAMPLES);
  const seconds = Math.min(options.seconds, 2);
  const nothing = { ...floor, url: floor.url.replace(/\/v1.*$/, NOTHING_PATH), accept: () => true };
  const http = await runSide(bench, nothing, supply(envelopes, seconds, true));
  floorChild.resume();
  const ms = Math.min(PART_MS_MAX, 200 * options.seconds);
  const rest = await floorChild.ask("parts", { bodies: envelopes.map(({ bytes }) => bytes), ms });
  return [{ name: "receive and answer (HTTP)", microseconds: http.microseconds }, ...rest];
}

async function report(bench: Bench, placement: Placement | undefined): Promise<IngestReport> {
  const { server, floor } = await runRounds(bench);
  const residentBytes = bench.serverChild.peakResidentBytes();
  const floorParts = await measureFloorParts(bench);
  const { volume } = await bench.floorChild.ask("groupSizes");
  const { options, installation } = bench;
  const serverRounds = server.map(({ perSecond }) => perSecond);
  const floorRounds = floor.map(({ perSecond }) => perSecond);
  const segmentsPerSecond = median(serverRounds);
  const floorSegmentsPerSecond = median(floorRounds);
  const floorSumSegmentsPerSecond = 1e6 / floorParts.reduce((sum, { microseconds }) => sum + microseconds, 0);
  return {
    segmentsPerSecond,
    floorSegmentsPerSecond,
    floorParts,
    floorSumSegmentsPerSecond,
    floorShareOfSum: floorSegmentsPerSecond / floorSumSegmentsPerSecond,
    ratio: segmentsPerSecond / floorSegmentsPerSecond,
    residentBytes,
    seconds: options.seconds,
    segmentBytes: installation.fleet.segmentBytes,
    envelopeBytes: installation.fleet.prepare(1)[0]?.bytes.length ?? 0,
    copies: options.copies,
    terminals: options.terminals,
    concurrency: options.concurrency,
    serverRounds,
    floorRounds,
    floorGroupSize: volume,
    serverMicroseconds: median(server.map(({ microseconds }) => microseconds)),
    floorMicroseconds: median(floor.map(({ microseconds }) => microseconds)),
    loadShare: Math.max(...[...server, ...floor].map(({ loadShare }) => loadShare)),
    cores: placement ?? null,
  };
}

/** The floor's answer begins with h. */
function isFloorReceipt(answer: Uint8Array, { hash }: PreparedEnvelope): boolean {
  return answer.length === 96 && Buffer.compare(answer.subarray(0, 32), hash) === 0;
}

async function startSides(
  children: Pick<Bench, "serverChild" | "floorChild">,
  installation: BenchInstallation,
  folderPath: string,
  copies: number,
): Promise<Pick<Bench, "server" | "floor">> {
  const { config, kek, floorKeys, receiptKey } = installation;
  const serverUrl = await children.serverChild.ask("start", { config, kek });
  const floorUrl = await children.floorChild.ask("start", { ...floorKeys, folderPath, copies });
  return {
    server: {
      name: "server",
      child: children.serverChild,
      url: `${serverUrl}${UPLOAD_PATH}`,
      accept: createReceiptCheck(receiptKey),
    },
    floor: { name: "floor", child: children.floorChild, url: `${floorUrl}${UPLOAD_PATH}`, accept: isFloorReceipt },
  };
}

async function runIn(
  folderPath: string,
  options: IngestOptions,
  placement: Placement | undefined,
  onProgress: Bench["onProgress"],
): Promise<IngestReport> {
  onProgress({ phase: "deploying", terminals: options.terminals });
  const installation = createBenchInstallation(join(folderPath, "server"), options, Date.now);
  const floorPath = join(folderPath, "floor");
  mkdirSync(floorPath);
  const core = placement?.serverCore;
  const { nodeArguments, environment } = residentProcess();
  const serverChild = startChild<ServerChildMethods>(SERVER_MODULE, {
    core,
    nodeArguments: [...nodeArguments, ...options.serverNodeArguments],
    environment,
  });
  const floorChild = startChild<FloorChildMethods>(FLOOR_MODULE, { core, nodeArguments: [], environment: {} });
  const children = { serverChild, floorChild };
  try {
    const sides = await startSides(children, installation, floorPath, options.copies);
    serverChild.pause();
    floorChild.pause();
    const made = await report({ options, installation, onProgress, ...children, ...sides }, placement);
    await serverChild.end();
    await floorChild.end();
    return made;
  } finally {
    serverChild.kill();
    floorChild.kill();
  }
}

/**
 * Measures ingest.
 *
 * @param given what differs from {@link INGEST_DEFAULTS}; `workPath` is the working folder of the process unless given.
 * @throws {BenchError} ERR_BENCH_OPTION, ERR_BENCH_CHILD when a process fails, ERR_BENCH_REFUSED when an envelope gets no
 * receipt.
 */
export async function benchIngest(
  given: Partial<IngestOptions>,
  onProgress: (progress: IngestProgress) => void = () => undefined,
): Promise<IngestReport> {
  const options = checkIngestOptions({ ...INGEST_DEFAULTS, workPath: process.cwd(), ...given });
  const folderPath = mkdtempSync(join(options.workPath, "pericard-bench-"));
  const { placement, undo } = placeProcesses();
  try {
    return await runIn(folderPath, options, placement, onProgress);
  } finally {
    undo();
    rmSync(folderPath, { recursive: true, force: true });
  }
}
