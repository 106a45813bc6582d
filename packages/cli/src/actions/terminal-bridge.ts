/** `pericard terminal bridge`: plain sensors in, a terminal's sealed segments out. */
import {
  keepHeapSmall,
  listenHttp,
  listenMqtt,
  openTerminal,
  parseExactJson,
  readMapping,
  runBridge,
  subscribeMqtt,
  systemClock,
  tokenCheck,
  type Bridge,
  type BrokerAddress,
  type ListenAddress,
  type MappingRule,
  type OpenWay,
  type TokenCheck,
} from "@pericard/terminal";
import { isIP } from "node:net";
import { CliError } from "../errors.ts";
import { outputFor, table, type Output } from "../output.ts";
import { readSecret, readText } from "../secret-file.ts";
import { stopSignal } from "../stop-signal.ts";
import { numberOption } from "../terminal-source.ts";
import { tlsOf } from "../tls-option.ts";
import {
  progressLine,
  receiptWaitMs,
  resultOf,
  withTerminal,
  type TerminalOptions,
  type UploadOptions,
} from "./terminal.ts";

interface BridgeOptions extends UploadOptions {
  readonly mqtt?: string;
  readonly http?: string;
  readonly sensorTokenFile?: string;
  readonly broker?: string;
  readonly topic?: readonly string[];
  readonly brokerUser?: string;
  readonly brokerPasswordFile?: string;
  readonly mapping?: string;
  readonly segmentSeconds: string;
  readonly journalLimitMb: string;
  readonly upload: boolean;
}

/** What ways are wanted. */
interface Ways {
  readonly mqtt: ListenAddress | undefined;
  readonly http: ListenAddress | undefined;
  readonly admits: TokenCheck;
  readonly broker: Omit<BrokerAddress, "clientId"> | undefined;
}

/** @throws {CliError} ERR_USAGE when the text is no host and port. */
function addressOf(name: string, text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) return { host: match[1] ?? match[2] ?? "", port };
  throw new CliError("ERR_USAGE", `--${name} is not host:port, as 127.0.0.1:1883`);
}

function isLoopback({ host }: ListenAddress): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function brokerOf(options: BridgeOptions): Ways["broker"] {
  const { broker: url, topic: topics = [], brokerUser: username, brokerPasswordFile } = options;
  if (url === undefined) {
    if (topics.length > 0) throw new CliError("ERR_USAGE", "--topic needs --broker");
    return undefined;
  }
  const parsed = URL.parse(url);
  const isBroker = parsed && /^mqtts?:$/.test(parsed.protocol) && parsed.username === "" && parsed.password === "";
  if (!isBroker) throw new CliError("ERR_USAGE", "--broker is not mqtt://host:port or mqtts://host:port");
  if (topics.length === 0) throw new CliError("ERR_USAGE", "--broker needs a --topic at least");
  const password = brokerPasswordFile === undefined ? undefined : readSecret(brokerPasswordFile);
  return { url, topics, username, password };
}

function waysOf(options: BridgeOptions): Ways {
  const mqtt = options.mqtt === undefined ? undefined : addressOf("mqtt", options.mqtt);
  const http = options.http === undefined ? undefined : addressOf("http", options.http);
  const token = options.sensorTokenFile === undefined ? undefined : readSecret(options.sensorTokenFile);
  const broker = brokerOf(options);
  if (!mqtt && !http && !broker) throw new CliError("ERR_USAGE", "name a way in: --mqtt, --http or --broker");
  const isFar = [mqtt, http].some((address) => address && !isLoopback(address));
  if (isFar && !token) {
    throw new CliError(
      "ERR_USAGE",
      "listening beyond this machine needs --sensor-token-file: else anybody is a sensor",
    );
  }
  return { mqtt, http, broker, admits: tokenCheck(token) };
}

function rulesOf({ mapping }: BridgeOptions): readonly MappingRule[] {
  return mapping === undefined ? [] : readMapping(parseExactJson(new TextEncoder().encode(readText(mapping))));
}

async function openWays(
  { mqtt, http, broker, admits }: Ways,
  clientId: string,
  bridge: Bridge,
  output: Output,
  onOpen: (way: OpenWay) => void,
): Promise<void> {
  if (mqtt) onOpen(await listenMqtt(bridge, mqtt, admits));
  if (http) onOpen(await listenHttp(bridge, http, admits));
  if (!broker) return;
  const told = {
    onConnected: () => output.note(`subscribed at ${broker.url}`),
    onLost: (reason: string) => output.note(`broker ${broker.url}: ${reason}`),
  };
  onOpen(await subscribeMqtt(bridge, { ...broker, clientId }, systemClock, told));
}

/** Runs a bridge until it is stopped. */
export async function bridge(options: BridgeOptions): Promise<void> {
  keepHeapSmall();
  const output = outputFor(options);
  const signal = stopSignal();
  const [ways, rules] = [waysOf(options), rulesOf(options)];
  const terminal = openTerminal(
    options.data,
    {
      segmentLengthMs: 1000 * numberOption("segment-seconds", options.segmentSeconds, 1, 60),
      receiptWaitMs: receiptWaitMs(options),
      journalLimitBytes: 1e6 * numberOption("journal-limit-mb", options.journalLimitMb, 1, 1e6),
    },
    tlsOf(options),
  );
  const { serial } = terminal.status();
  let made: Bridge | undefined;
  const tally = await withTerminal(terminal, options.data, output, async () => {
    await runBridge(terminal, {
      rules,
      signal,
      upload: options.upload,
      nowUnixMs: () => systemClock.unixMs(),
      onRefused: ({ topic, reason }) => output.note(`not taken from ${topic}: ${reason}`),
      openWays: async (opened, onOpen) => {
        made = opened;
        const open: OpenWay[] = [];
        await openWays(ways, `pericard-${serial}`, opened, output, (way) => {
          open.push(way);
          onOpen(way);
        });
        const urls = open.map(({ url }) => url);
        output.note(`bridge ${serial} takes observations at ${urls.join(", ")}`);
        if (options.json) output.result({ ready: true, serial, ways: urls }, []);
      },
    });
  });
  const status = terminal.status();
  terminal.close();
  const counts = made?.counts ?? { observations: 0, refused: 0, ignored: 0, repeated: 0 };
  output.result({ ...resultOf(status, tally), ...counts }, [
    progressLine(status, tally),
    `${counts.observations} observations taken, ${counts.refused} inputs refused, ${counts.ignored} ignored`,
  ]);
}

/** Shows what a bridge did not take. */
export function refused(options: TerminalOptions): void {
  const terminal = openTerminal(options.data);
  try {
    const log = terminal.openRefusedLog();
    const text = new TextDecoder();
    const inputs = log.inputs.map(({ atUnixMs, topic, reason, input }) => {
      return { at: new Date(atUnixMs).toISOString(), topic, reason, input: text.decode(input) };
    });
    log.close();
    const rows = inputs.map(({ at, topic, reason, input }) => [at, topic, reason, JSON.stringify(input.slice(0, 120))]);
    outputFor(options).result({ refused: inputs }, table(["time", "topic", "reason", "input"], rows));
  } finally {
    terminal.close();
  }
}
