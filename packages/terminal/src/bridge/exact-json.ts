/** JSON whose numbers keep the digits that their sender wrote. */

/** A number as it was written. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** As ECMAScript 2026 has it (proposal-json-parse-with-source), which the type of JSON.parse does not say yet. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

const keepNumber: Reviver = (_, value, { source }) =>
  typeof value === "number" ? new NumberText(source ?? "") : value;

/**
 * The value of a JSON text in UTF-8, with a {@link NumberText} for each number; undefined when the bytes are none, or are
 * nested too deep.
 */
export function parseExactJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(text, keepNumber as (key: string, value: unknown) => unknown);
  } catch {
    return undefined;
  }
}

/** A JSON object's members; undefined when the value is no object. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject =
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof NumberText);
  return isObject ? (value as Record<string, unknown>) : undefined;
}

/**
 * What a JSON pointer names; undefined when there is nothing.
 *
 * Source: RFC 6901.
 */
export function findByPointer(value: unknown, pointer: string): unknown {
  let found = value;
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    const members = Array.isArray(found) ? (found as unknown as Record<string, unknown>) : membersOf(found);
    if (!members || !Object.hasOwn(members, name) || (Array.isArray(found) && !/^(0|[1-9]\d*)$/.test(name)))
      return undefined;
    found = members[name];
  }
  return found;
}

/** Whether a text is a JSON pointer. */
export function isPointer(text: string): boolean {
  return text === "" || (text.startsWith("/") && !/~(?![01])/.test(text));
}
