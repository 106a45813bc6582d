/** Checked reading of JSON values: every function returns the asked type or throws ERR_ANSWER_MALFORMED. */
import { malformed } from "../errors.ts";

/** A JSON object whose fields are not yet checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws {WebError} ERR_ANSWER_MALFORMED when `value` is not a plain object. */
export function objectOf(value: unknown, subject: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(subject);
  return value as JsonObject;
}

/** @throws {WebError} ERR_ANSWER_MALFORMED when the field is not an object. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  return objectOf(object[key], key);
}

/** @throws {WebError} ERR_ANSWER_MALFORMED when the field is not a string. */
export function stringAt(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value !== "string") throw malformed(key);
  return value;
}

/** @throws {WebError} ERR_ANSWER_MALFORMED when the field is neither true nor false. */
export function booleanAt(object: JsonObject, key: string): boolean {
  const value = object[key];
  if (typeof value !== "boolean") throw malformed(key);
  return value;
}

/** Finite number in `[min, max]`. @throws {WebError} ERR_ANSWER_MALFORMED otherwise. */
export function numberAt(object: JsonObject, key: string, min = -Infinity, max = Infinity): number {
  const value = object[key];
  if (typeof value !== "number" || !Number.isFinite(value) || value < min || value > max) throw malformed(key);
  return value;
}

/** Safe integer in `[min, max]`. @throws {WebError} ERR_ANSWER_MALFORMED otherwise. */
export function integerAt(object: JsonObject, key: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = numberAt(object, key, min, max);
  if (!Number.isSafeInteger(value)) throw malformed(key);
  return value;
}

/** Array of at most `countMax` items, each read by `read`. @throws {WebError} ERR_ANSWER_MALFORMED otherwise. */
export function arrayAt<T>(object: JsonObject, key: string, read: (item: JsonObject) => T, countMax: number): T[] {
  const value = object[key];
  if (!Array.isArray(value) || value.length > countMax) throw malformed(key);
  return value.map((item: unknown) => read(objectOf(item, key)));
}

/** One of `choices`. @throws {WebError} ERR_ANSWER_MALFORMED otherwise. */
export function choiceAt<T extends string>(object: JsonObject, key: string, choices: readonly T[]): T {
  const value = choices.find((choice) => choice === object[key]);
  if (value === undefined) throw malformed(key);
  return value;
}

/** `null` for a JSON null (or an absent field), else what `read` makes of it. */
export function nullableAt<T>(object: JsonObject, key: string, read: (object: JsonObject, key: string) => T): T | null {
  return object[key] === null || object[key] === undefined ? null : read(object, key);
}
