/** Rules by which a device's own JSON becomes an observation, without programming. Source: docs/bridge.md, "Devices with a format of their own". */
import { COMPONENTS_PER_OBSERVATION_MAX, type ObservationComponent } from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import type { TakenObservation } from "../observe/observation-recorder.ts";
import { findByPointer, isPointer, membersOf, NumberText } from "./exact-json.ts";
import { readCodedUnit, readDevice, readTime, readValue, TIME_FORMS, type TimeForm } from "./input-fields.ts";
import { refusal } from "./refusal.ts";
import { isTopicPattern, matchesTopic } from "./topic-pattern.ts";

type DeviceRule = { readonly name: string } | { readonly level: number } | { readonly pointer: string };

interface ValueRule extends Pick<ObservationComponent, "code" | "unit"> {
  readonly pointer: string;
}

/** One rule: what comes on these topics. */
export interface MappingRule {
  readonly topic: string;
  /** null: it is no observation, and nobody has to hear of it. */
  readonly values: readonly ValueRule[] | null;
  readonly device: DeviceRule | null;
  readonly time: { readonly pointer: string; readonly form: TimeForm } | null;
}

const FORMAT = "pericard/bridge-mapping";
const RULES_MAX = 1000;

function wrong(place: string, problem: string, options?: ErrorOptions): TerminalError {
  return new TerminalError("ERR_BRIDGE_MAPPING", `mapping file: ${place} ${problem}`, options);
}

/** The rules of a mapping file's parsed JSON, in order. @throws {TerminalError} ERR_BRIDGE_MAPPING with the place. */
export function readMapping(value: unknown): readonly MappingRule[] {
  const members = membersOf(value);
  const { format, version, mappings } = members ?? {};
  const isVersion = version instanceof NumberText && version.text === "1";
  if (format !== FORMAT || !isVersion || !Array.isArray(mappings) || mappings.length > RULES_MAX) {
    throw wrong("it", `is not {"format": "${FORMAT}", "version": 1, "mappings": [at most ${RULES_MAX}]}`);
  }
  return (mappings as readonly unknown[]).map((rule, i) => readRule(rule, `mappings[${i}]`));
}

function readMembers(value: unknown, place: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  const members = membersOf(value);
  const unknown = Object.keys(members ?? {}).find((name) => !known.includes(name));
  if (members && unknown === undefined) return members;
  throw wrong(place, members ? `has an unknown member ${JSON.stringify(unknown)}` : "is not an object");
}

function readPointer(value: unknown, place: string): string {
  if (typeof value === "string" && isPointer(value)) return value;
  throw wrong(place, 'is not a JSON pointer, as "/temperature" or "" for the whole');
}

function readRule(value: unknown, place: string): MappingRule {
  const { topic, values, ignore, device, time } = readMembers(value, place, [
    "topic",
    "values",
    "ignore",
    "device",
    "time",
  ]);
  if (typeof topic !== "string" || !isTopicPattern(topic)) throw wrong(`${place}.topic`, "is not a topic pattern");
  if (ignore !== undefined) {
    const isAlone = ignore === true && values === undefined && device === undefined && time === undefined;
    if (!isAlone) throw wrong(place, "has ignore and something else");
    return { topic, values: null, device: null, time: null };
  }
  if (!Array.isArray(values) || values.length < 1 || values.length > COMPONENTS_PER_OBSERVATION_MAX) {
    throw wrong(`${place}.values`, `is not an array of 1 to ${COMPONENTS_PER_OBSERVATION_MAX}`);
  }
  return {
    topic,
    values: (values as readonly unknown[]).map((one, i) => readValueRule(one, `${place}.values[${i}]`)),
    device: device === undefined ? null : readDeviceRule(device, `${place}.device`),
    time: time === undefined ? null : readTimeRule(time, `${place}.time`),
  };
}

function readValueRule(value: unknown, place: string): ValueRule {
  const { pointer, code, unit } = readMembers(value, place, ["pointer", "code", "unit"]);
  try {
    return { pointer: readPointer(pointer, `${place}.pointer`), ...readCodedUnit(code, unit) };
  } catch (cause) {
    throw cause instanceof TerminalError && cause.code === "ERR_BRIDGE_INPUT"
      ? wrong(place, cause.message, { cause })
      : cause;
  }
}

function readDeviceRule(value: unknown, place: string): DeviceRule {
  if (typeof value === "string") return { name: readDevice(value) };
  const { level, pointer } = readMembers(value, place, ["level", "pointer"]);
  if (pointer !== undefined && level === undefined) return { pointer: readPointer(pointer, place) };
  const number = level instanceof NumberText && /^[1-9]\d?$/.test(level.text) ? Number(level.text) : 0;
  if (number > 0 && pointer === undefined) return { level: number };
  throw wrong(place, 'is not a name, {"level": 1 to 99} or {"pointer": …}');
}

function readTimeRule(value: unknown, place: string): NonNullable<MappingRule["time"]> {
  const { pointer, form } = readMembers(value, place, ["pointer", "form"]);
  const known = TIME_FORMS.find((one) => one === form);
  if (!known) throw wrong(`${place}.form`, `is none of ${TIME_FORMS.join(", ")}`);
  return { pointer: readPointer(pointer, `${place}.pointer`), form: known };
}

/** The first rule for a topic. */
export function findRule(rules: readonly MappingRule[], topic: string): MappingRule | undefined {
  return rules.find((rule) => matchesTopic(rule.topic, topic));
}

/**
 * What a rule makes of a parsed JSON. Values that are absent or null are left out: devices send what has changed.
 *
 * @throws {TerminalError} ERR_BRIDGE_INPUT when none is there, or one is no number.
 */
export function applyRule(rule: MappingRule, topic: string, value: unknown): TakenObservation {
  const components = (rule.values ?? []).flatMap(({ pointer, code, unit }) => {
    const found = findByPointer(value, pointer) ?? null;
    return found === null ? [] : [{ code, unit, value: readValue(found) }];
  });
  if (components.length === 0) throw refusal(`none of the values of rule ${rule.topic} is there`);
  const time = rule.time && (findByPointer(value, rule.time.pointer) ?? null);
  return {
    claimed: rule.time && time !== null ? readTime(time, rule.time.form) : null,
    device: rule.device && deviceOf(rule.device, topic, value),
    components,
  };
}

function deviceOf(rule: DeviceRule, topic: string, value: unknown): string {
  if ("name" in rule) return rule.name;
  return readDevice("level" in rule ? topic.split("/")[rule.level - 1] : findByPointer(value, rule.pointer));
}
