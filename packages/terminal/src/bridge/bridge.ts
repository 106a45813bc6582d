/**
 * The bridge: what plain sensors send, checked, and given to the terminal; what is wrong is set aside and counted.
 *
 * Source: docs/bridge.md; design of plain sensors in ARCHITECTURE.md.
 */
import { sha256 } from "@pericard/crypto";
import { concatBytes, toHex, utf8 } from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import type { TakeObservations } from "../terminal.ts";
import { parseExactJson } from "./exact-json.ts";
import { applyRule, findRule, type MappingRule } from "./mapping.ts";
import { refusal } from "./refusal.ts";
import type { RefusedInput, RefusedLog } from "./refused-log.ts";
import { readSensorInput } from "./sensor-input.ts";

/** Bytes of one input. */
export const INPUT_BYTES_MAX = 64 * 1024;

/** The topic of the bridge's own format. Topics below it are the site's to choose, as `pericard/observations/kitchen`. */
export const OBSERVATIONS_TOPIC = "pericard/observations";

/** One input of a sensor. */
export interface SensorInput {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Set when its sender says that it may have sent it before, under this name: MQTT's DUP. */
  readonly repeatOf?: string;
}

/** What a bridge did in this run. */
export interface BridgeCounts {
  readonly observations: number;
  readonly refused: number;
  readonly ignored: number;
  /** Inputs that came again after they had been taken. */
  readonly repeated: number;
}

export interface BridgeParts {
  readonly take: TakeObservations;
  readonly rules: readonly MappingRule[];
  readonly refused: Pick<RefusedLog, "add">;
  readonly nowUnixMs: () => number;
  /** Told of each input that is set aside. */
  readonly onRefused: (refused: RefusedInput) => void;
}

/** Names of inputs that were taken, to know those that come again. */
const REMEMBERED_MAX = 4096;

/** Takes inputs of sensors, from whatever way they come. */
export class Bridge {
  readonly #parts: BridgeParts;
  readonly #taken = new Set<string>();
  #counts = { observations: 0, refused: 0, ignored: 0, repeated: 0 };

  constructor(parts: BridgeParts) {
    this.#parts = parts;
  }

  get counts(): BridgeCounts {
    return this.#counts;
  }

  /**
   * Takes one input. What it holds is durable when this resolves; it may be acknowledged then.
   *
   * @param name of this delivery at its sender, when it may be repeated.
   * @returns how many observations it was, 0 for what a rule ignores.
   * @throws {TerminalError} ERR_BRIDGE_INPUT when it is none: it is set aside, and must be acknowledged where a sender
   * would repeat it for ever. ERR_JOURNAL_FULL, ERR_JOURNAL_DISK_FULL, ERR_JOURNAL_DISK or ERR_TERMINAL_CLOSED: it was
   * not taken, and must not be acknowledged.
   */
  async receive({ topic, payload, repeatOf }: SensorInput, name?: string): Promise<number> {
    const named = (of: string | undefined) => of && `${of}/${toHex(sha256(concatBytes(utf8(`${topic}\0`), payload)))}`;
    const [known, own] = [named(repeatOf), named(name)];
    if (known && this.#taken.has(known)) {
      this.#counts.repeated += 1;
      return 0;
    }
    const observations = this.#read(topic, payload);
    if (observations.length === 0) return 0;
    await this.#parts.take(observations);
    this.#counts.observations += observations.length;
    if (own) this.#remember(own);
    return observations.length;
  }

  #read(topic: string, payload: Uint8Array) {
    try {
      if (payload.length > INPUT_BYTES_MAX) throw refusal(`input is larger than ${INPUT_BYTES_MAX} bytes`);
      const rule = findRule(this.#parts.rules, topic);
      if (rule?.values === null) {
        this.#counts.ignored += 1;
        return [];
      }
      const isOwn = topic === OBSERVATIONS_TOPIC || topic.startsWith(`${OBSERVATIONS_TOPIC}/`);
      if (!rule && !isOwn) throw refusal("no rule of the mapping file is for this topic");
      const value = parseExactJson(payload);
      if (value === undefined) throw refusal("input is not JSON");
      return rule ? [applyRule(rule, topic, value)] : readSensorInput(value);
    } catch (error) {
      if (!(error instanceof TerminalError) || error.code !== "ERR_BRIDGE_INPUT") throw error;
      this.#setAside({ atUnixMs: this.#parts.nowUnixMs(), topic, reason: error.message, input: payload });
      throw error;
    }
  }

  #setAside(refused: RefusedInput): void {
    this.#counts.refused += 1;
    this.#parts.refused.add(refused);
    this.#parts.onRefused(refused);
  }

  #remember(name: string): void {
    this.#taken.add(name);
    const [oldest] = this.#taken;
    if (this.#taken.size > REMEMBERED_MAX && oldest !== undefined) this.#taken.delete(oldest);
  }
}
