/** `pericard gateway status`: asks a running gateway how it is. */
import { openDiskFolder } from "@pericard/framelog";
import { readAddress, type GatewayAddress, type GatewayStats } from "@pericard/gateway";
import { existsSync } from "node:fs";
import { get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { json } from "node:stream/consumers";
import { CliError } from "../errors.ts";
import { readText } from "../secret-file.ts";
import { bytesText, outputFor } from "../output.ts";

interface StatusOptions {
  readonly data: string;
  readonly ca?: string;
  readonly json?: boolean;
}

const ASK_MS = 10_000;

function addressOf(folderPath: string): GatewayAddress {
  const address = existsSync(folderPath) ? readAddress(openDiskFolder(folderPath)) : undefined;
  if (address) return address;
  throw new CliError("ERR_GATEWAY_AWAY", `no gateway has listened with ${folderPath} as its folder`);
}

function get(url: URL, ca: string | undefined): Promise<IncomingMessage> {
  const options = {
    signal: AbortSignal.timeout(ASK_MS),
    agent: false,
    ...(ca === undefined ? {} : { ca: readText(ca) }),
  };
  const request = url.protocol === "https:" ? httpsGet : httpGet;
  return new Promise((resolve, reject) => request(url, options, resolve).on("error", reject));
}

async function ask(url: string, ca: string | undefined): Promise<GatewayStats> {
  try {
    return (await json(await get(new URL("/healthz", url), ca))) as GatewayStats;
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError("ERR_GATEWAY_AWAY", `no gateway answers at ${url}`, { cause });
  }
}

function since(atUnixMs: number): string {
  const hours = Math.max(0, Date.now() - atUnixMs) / 3_600_000;
  const age = hours < 48 ? `${hours.toFixed(1)} hours` : `${(hours / 24).toFixed(1)} days`;
  return `since ${new Date(atUnixMs).toISOString()} (${age})`;
}

const STATES: Readonly<Record<GatewayStats["status"], string>> = {
  ok: "takes messages",
  full: "FULL: clients are refused and keep their data",
  disk: "DISK FAILS: clients are refused and keep their data",
};

function lastingText({ daysLeft, intakeBytesPerDay }: GatewayStats): string {
  if (daysLeft === null || intakeBytesPerDay === null) return "not known yet";
  return `${daysLeft.toFixed(1)} days without upstream, at ${bytesText(intakeBytesPerDay)} a day`;
}

function linesOf(stats: GatewayStats, { url, upstreams }: GatewayAddress): readonly string[] {
  const percent = ((100 * stats.spoolDiskBytes) / stats.spoolLimitBytes).toFixed(1);
  const oldest = stats.oldestSpooledAtUnixMs === null ? "" : `, the oldest ${since(stats.oldestSpooledAtUnixMs)}`;
  const place = `${stats.upstreamIndex + 1} of ${upstreams.length}`;
  return [
    `gateway    ${url}, ${STATES[stats.status]}`,
    `waiting    ${stats.spoolItems} messages, ${bytesText(stats.spoolBytes)}${oldest}`,
    `spool      ${bytesText(stats.spoolDiskBytes)} of ${bytesText(stats.spoolLimitBytes)} (${percent} %)`,
    `lasts      ${lastingText(stats)}`,
    `upstream   ${place}: ${upstreams[stats.upstreamIndex] ?? "unknown"}, ${stats.upstream}, ${since(stats.upstreamSinceUnixMs)}`,
    `refused    ${stats.refusedCount} messages that the upstream will never take, ${stats.damagedCount} damaged on disk`,
  ];
}

export async function status(options: StatusOptions): Promise<void> {
  const address = addressOf(options.data);
  const stats = await ask(address.url, options.ca);
  const upstreamUrl = address.upstreams[stats.upstreamIndex] ?? null;
  outputFor(options).result({ url: address.url, upstreamUrl, ...stats }, linesOf(stats, address));
}
