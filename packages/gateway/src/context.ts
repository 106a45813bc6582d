/** The composition root: the one place that reads the clock, draws jitter, opens the disk and makes the network. */
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { lockFolder, openDiskFolder, type Folder } from "@pericard/framelog";
import { writeAddress } from "./address-file.ts";
import { ClientRegistry } from "./clients.ts";
import type { Clock } from "./clock.ts";
import type { GatewayConfig } from "./config.ts";
import { Forwarder, type ForwarderEvents } from "./forwarder.ts";
import type { Defer } from "./group-commit.ts";
import { createHttpServer, type LogSettings } from "./http-server.ts";
import { Intake } from "./intake.ts";
import { FAILOVER_TIMES, INTAKE_BYTES_MAX, MIRROR_BOXES_MAX, MIRROR_BYTES_MAX } from "./limits.ts";
import { Mirror } from "./mirror.ts";
import type { Jitter } from "./retry-delay.ts";
import { addRoutes } from "./routes.ts";
import { RequestRelay } from "./request-relay.ts";
import type { MqttListenerParts } from "./mqtt-listener.ts";
import { SendQueue } from "./send-queue.ts";
import { Spool, type Fullness } from "./spool.ts";
import { readStats, type Counters, type GatewayStats } from "./stats.ts";
import { StatusRelay } from "./status-relay.ts";
import { createHttpUpstream } from "./upstream-http.ts";
import type { FailoverTimes } from "./upstream-link.ts";
import { UpstreamList } from "./upstream-list.ts";
import type { Upstream } from "./upstream.ts";

/** What a test, or another program, may put in place of the machine's own. */
export interface GatewayOverrides {
  readonly clock?: Clock;
  readonly jitter?: Jitter;
  readonly defer?: Defer;
  readonly folder?: Folder;
  readonly upstreams?: readonly Upstream[];
  readonly times?: FailoverTimes;
  readonly log?: LogSettings;
}

/** Everything that a running gateway is made of. */
export interface GatewayContext {
  readonly clock: Clock;
  readonly server: FastifyInstance;
  readonly spool: Spool;
  readonly forwarder: Forwarder;
  readonly relay: StatusRelay;
  readonly requests: RequestRelay;
  readonly upstream: Upstream;
  readonly stats: () => GatewayStats;
  /** Gives the spool's folder free for another process. */
  readonly unlock: () => void;
  /** What is needed to listen for MQTT. */
  readonly mqttParts: MqttListenerParts;
  /** Has {@link readAddress} find a gateway that listens. */
  readonly publish: (url: string) => void;
}

const SYSTEM_CLOCK: Clock = {
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

function logEvents(log: FastifyBaseLogger, counters: Counters): ForwarderEvents {
  return {
    onRefused: ({ routing, position }, status, code) => {
      counters.refusedCount += 1;
      log.warn({ routing, sizeBytes: position.sizeBytes, status, code }, "upstream will never take this message");
    },
    onDamaged: ({ routing, position }) => {
      counters.damagedCount += 1;
      log.error({ routing, ...position }, "message was damaged on disk");
    },
    onLater: ({ routing }, reason, delayMs) =>
      log.warn({ routing, reason, delayMs: Math.round(delayMs) }, "message could not be forwarded yet"),
  };
}

function logFullness(log: FastifyBaseLogger, { part, ...told }: Fullness): void {
  if (part === 0) log.info(told, "spool has room again");
  else if (part < 0.95) log.warn(told, `spool is over ${part * 100} % of its limit`);
  else log.error(told, `spool is over ${part * 100} % of its limit: at 100 % clients are refused`);
}

interface HeldFolder {
  readonly folder: Folder;
  readonly unlock: () => void;
}

function holdFolder(path: string, override: Folder | undefined): HeldFolder {
  if (override) return { folder: override, unlock: () => undefined };
  const folder = openDiskFolder(path);
  return { folder, unlock: lockFolder(path).release };
}

/**
 * Opens the spool and puts everything together; nothing listens or sends yet.
 *
 * @throws {FrameError} ERR_FOLDER_LOCKED when another process has the spool; ERR_LOG_DISK or ERR_LOG_FORMAT when it
 * cannot be read.
 */
export function createContext(config: GatewayConfig, overrides: GatewayOverrides): GatewayContext {
  const held = holdFolder(config.folderPath, overrides.folder);
  try {
    return assemble(config, overrides, held);
  } catch (error) {
    held.unlock();
    throw error;
  }
}

function assemble(config: GatewayConfig, overrides: GatewayOverrides, held: HeldFolder): GatewayContext {
  const { clock = SYSTEM_CLOCK, jitter = Math.random, defer = setImmediate } = overrides;
  const { spoolBytesMax } = config;
  const server = createHttpServer(overrides.log ?? { level: "info" }, config.tls);
  const counters = { refusedCount: 0, damagedCount: 0 };
  const upstream = new UpstreamList({
    upstreams: overrides.upstreams ?? config.upstreams.map((one) => createHttpUpstream(one, clock)),
    clock,
    times: overrides.times ?? FAILOVER_TIMES,
    onSwitch: (index) => {
      server.log.warn({ upstream: index, url: config.upstreams[index]?.url }, "another upstream is used");
      forwarder.upstreamChanged();
    },
  });
  const mirror = new Mirror({ bytesMax: MIRROR_BYTES_MAX, boxesMax: MIRROR_BOXES_MAX });
  const queue = new SendQueue();
  const spool = new Spool({
    folder: held.folder,
    clock,
    defer,
    spoolBytesMax,
    onDurable: (item) => {
      queue.push(item);
      forwarder.pump();
    },
    onFullness: (fullness) => logFullness(server.log, fullness),
    onUnusable: (position) => server.log.error(position, "bytes of the spool were damaged on disk"),
    onBroken: ({ code, cause }) => server.log.error({ code, err: cause }, "spool cannot be written"),
  });
  const events = logEvents(server.log, counters);
  const forwarder = new Forwarder({ spool, queue, mirror, upstream, clock, jitter, events });
  for (const item of spool.items()) queue.push(item);
  const relay = new StatusRelay(upstream, mirror, clock);
  const requests = new RequestRelay(upstream, mirror);
  const stats = (): GatewayStats => readStats(spool, upstream, counters, spoolBytesMax);
  const clients = new ClientRegistry(config.clients);
  const isCutOff = (): boolean => upstream.reachability === "cut-off" || upstream.reachability === "unreachable";
  const intake = new Intake(INTAKE_BYTES_MAX);
  const onRefused = (code: string, client: string): void =>
    server.log.info({ code, client }, "request by MQTT was refused");
  addRoutes(server, { clients, intake, spool, mirror, relay, requests, stats, isCutOff });
  const mqttParts = { clients, intake, spool, mirror, relay, requests, isCutOff, defer, clock, onRefused };
  const upstreams = config.upstreams.map(({ url }) => url);
  const publish = (url: string): void => writeAddress(held.folder, { url, upstreams });
  return { clock, server, spool, forwarder, relay, requests, upstream, stats, unlock: held.unlock, publish, mqttParts };
}
