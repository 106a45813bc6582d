/** The bridge's own format of observations. Source: docs/bridge.md, "What a sensor sends". */
import { COMPONENTS_PER_OBSERVATION_MAX } from "@pericard/protocol";
import type { TakenObservation } from "../observe/observation-recorder.ts";
import { membersOf } from "./exact-json.ts";
import { readCodedUnit, readDevice, readTime, readValue } from "./input-fields.ts";
import { refusal } from "./refusal.ts";

/** Observations of one input. */
export const OBSERVATIONS_PER_INPUT_MAX = 64;

const COMPONENT_MEMBERS: ReadonlySet<string> = new Set(["code", "value", "unit"]);
const COMMON_MEMBERS: ReadonlySet<string> = new Set(["time", "device"]);

/** One observation, or up to 64, by a parsed JSON. @throws {TerminalError} ERR_BRIDGE_INPUT. */
export function readSensorInput(value: unknown): readonly TakenObservation[] {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (list.length >= 1 && list.length <= OBSERVATIONS_PER_INPUT_MAX) return list.map(readObservation);
  throw refusal(`input has ${list.length} observations: 1 to ${OBSERVATIONS_PER_INPUT_MAX} are taken at once`);
}

function readObservation(value: unknown): TakenObservation {
  const members = membersOf(value);
  if (!members) throw refusal("observation is not a JSON object");
  const { components, device, time } = members;
  const own = components === undefined ? [...COMPONENT_MEMBERS] : ["components"];
  requireOnly(members, new Set([...own, ...COMMON_MEMBERS]));
  const read = components === undefined ? [readComponent(members)] : readComponents(components);
  if (new Set(read.map(({ code }) => code)).size !== read.length) throw refusal("two components have one code");
  return {
    claimed: time === undefined ? null : readTime(time),
    device: device === undefined ? null : readDevice(device),
    components: read,
  };
}

function readComponents(value: unknown) {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (list.length < 1 || list.length > COMPONENTS_PER_OBSERVATION_MAX) {
    throw refusal(`components are not an array of 1 to ${COMPONENTS_PER_OBSERVATION_MAX}`);
  }
  return list.map((one) => {
    const members = membersOf(one);
    if (!members) throw refusal("component is not a JSON object");
    requireOnly(members, COMPONENT_MEMBERS);
    return readComponent(members);
  });
}

function readComponent({ code, value, unit }: Readonly<Record<string, unknown>>) {
  return { ...readCodedUnit(code, unit), value: readValue(value) };
}

/** A member that is not known may be a unit or a flag that changes what the value means. */
function requireOnly(members: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): void {
  const unknown = Object.keys(members).find((name) => !known.has(name));
  if (unknown !== undefined) throw refusal(`member ${JSON.stringify(unknown.slice(0, 40))} is not known`);
}
