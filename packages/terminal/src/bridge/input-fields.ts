/** Readers of what sensors say: values, units, times, names. Source: docs/bridge.md. */
import {
  isUnitOf,
  parseDecimal,
  readDeviceName,
  readObservationCode,
  readUnit,
  type ClaimedTime,
  type ObservationComponent,
} from "@pericard/protocol";
import { NumberText } from "./exact-json.ts";
import { readOrRefuse, refusal } from "./refusal.ts";

const RFC3339 = /^\d{4}-\d\d-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Forms of a time in a sensor's own words. */
export const TIME_FORMS = ["rfc3339", "unix-s", "unix-ms"] as const;
export type TimeForm = (typeof TIME_FORMS)[number];

/** A code with a unit that it may have. @throws {TerminalError} ERR_BRIDGE_INPUT. */
export function readCodedUnit(codeValue: unknown, unitValue: unknown): Pick<ObservationComponent, "code" | "unit"> {
  const code = readOrRefuse(() => readObservationCode(codeValue));
  const unit = readOrRefuse(() => readUnit(unitValue));
  if (isUnitOf(code, unit)) return { code, unit };
  throw refusal(`unit ${unit} is not one of ${code}; units are UCUM and never converted`);
}

/** A decimal with the digits that it was written with. @throws {TerminalError} ERR_BRIDGE_INPUT. */
export function readValue(value: unknown): ObservationComponent["value"] {
  const text = value instanceof NumberText ? value.text : value;
  const decimal = typeof text === "string" ? parseDecimal(text) : undefined;
  if (decimal) return decimal;
  throw refusal("value is not a decimal number of 15 digits, 12 of them behind the point");
}

/** A device's name. @throws {TerminalError} ERR_BRIDGE_INPUT. */
export function readDevice(value: unknown): string {
  return readOrRefuse(() => readDeviceName(value));
}

/** A time of a device's clock. @throws {TerminalError} ERR_BRIDGE_INPUT. */
export function readTime(value: unknown, form: TimeForm = "rfc3339"): ClaimedTime {
  const time = form === "rfc3339" ? readRfc3339(value) : readUnixTime(value, form);
  if (time) return time;
  throw refusal(form === "rfc3339" ? "time is not RFC 3339 with its zone" : `time is not a number of ${form}`);
}

function readRfc3339(value: unknown): ClaimedTime | undefined {
  const match = typeof value === "string" ? RFC3339.exec(value) : null;
  const unixMs = match ? Math.floor(Date.parse(match[0])) : Number.NaN;
  if (!match || Number.isNaN(unixMs)) return undefined;
  const [, day, sign, hours = "0", minutes = "0"] = match;
  const offset = 60 * Number(hours) + Number(minutes);
  const zoneOffsetMinutes = sign === "-" ? 0 - offset : offset;
  // Date.parse takes the 30th of February for the 2nd of March.
  const isDay = new Date(unixMs + 60_000 * zoneOffsetMinutes).getUTCDate() === Number(day);
  return isDay && Math.abs(zoneOffsetMinutes) <= 1080 ? { unixMs, zoneOffsetMinutes } : undefined;
}

function readUnixTime(value: unknown, form: Exclude<TimeForm, "rfc3339">): ClaimedTime | undefined {
  const text = value instanceof NumberText ? value.text : value;
  const number = typeof text === "string" && /^-?\d{1,16}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  const unixMs = Math.floor(form === "unix-s" ? number * 1000 : number);
  return Math.abs(unixMs) <= 8.64e15 ? { unixMs, zoneOffsetMinutes: null } : undefined;
}
