/** Reading a configuration field by field. A refusal names the field and never its value, which may be a secret. */
import { isIP } from "node:net";
import { GatewayError } from "./errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

export function refuse(field: string, wanted: string): never {
  throw new GatewayError("ERR_GATEWAY_CONFIG", `${field} is not ${wanted}`);
}

export function readFields(field: string, value: unknown, names: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(field, "an object");
  const strange = Object.keys(value).find((name) => !names.includes(name));
  return strange === undefined ? (value as Fields) : refuse(`${field}.${strange}`, "a setting");
}

export function readInteger(field: string, value: unknown, min: number, max: number): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
    ? value
    : refuse(field, `an integer from ${min} to ${max}`);
}

export function readPattern(field: string, value: unknown, pattern: RegExp, wanted: string): string {
  return typeof value === "string" && pattern.test(value) ? value : refuse(field, wanted);
}

/** Text of a certificate or key. */
export function readPem(field: string, value: unknown): string {
  const pattern = /^-----BEGIN [A-Z0-9 ]{1,40}-----[\x20-\x7e\r\n]{1,1000000}$/m;
  return readPattern(field, value, pattern, "the text of a PEM file");
}

export function readToken(field: string, value: unknown): string {
  return readPattern(field, value, /^[\x21-\x7e]{16,512}$/, "16 to 512 visible ASCII characters");
}

export function readHost(field: string, value: unknown): string {
  const host = readPattern(field, value, /^[0-9A-Za-z.:%_-]{1,253}$/, "a host name or address");
  return host.includes(":") && isIP(host) === 0 ? refuse(field, "a host name or address") : host;
}

export function readUrl(field: string, value: unknown): string {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  const plain = url && !url.username && !url.password && !url.search && !url.hash;
  return plain && /^https?:$/.test(url.protocol)
    ? url.href
    : refuse(field, "an http or https address without user, query and fragment");
}

/** Refuses a list of which two say the same in one of the fields. */
export function refuseSame<T extends object>(
  field: string,
  list: readonly T[],
  keys: readonly (keyof T & string)[],
): void {
  for (const key of keys) {
    const second = list.findIndex(
      (one, i) => one[key] !== undefined && list.findIndex((other) => other[key] === one[key]) < i,
    );
    if (second >= 0) refuse(`${field}[${second}].${key}`, "different from every other one's");
  }
}
