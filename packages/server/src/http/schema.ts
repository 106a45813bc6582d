/**
 * JSON Schemas with the static types of TypeBox, of which nothing is loaded when the server runs: its builder and all that it
 * brings take several megabytes, and the few forms that this API has take a page.
 *
 * Source: JSON Schema 2020-12, as OpenAPI 3.1 has it.
 */
import type { Type as TypeBox } from "typebox";

interface Schema {
  readonly [keyword: string]: unknown;
}

const optional = new WeakSet<Schema>();

const builder = {
  Array: (items: Schema, options?: Schema): Schema => ({ ...options, type: "array", items }),
  Boolean: (options?: Schema): Schema => ({ ...options, type: "boolean" }),
  Integer: (options?: Schema): Schema => ({ ...options, type: "integer" }),
  Literal: (value: string): Schema => ({ const: value, type: "string" }),
  Null: (): Schema => ({ type: "null" }),
  Number: (options?: Schema): Schema => ({ ...options, type: "number" }),
  Object: (properties: Readonly<Record<string, Schema>>, options?: Schema): Schema => {
    const required = Object.keys(properties).filter((name) => !optional.has(properties[name] as Schema));
    return { ...options, type: "object", properties, ...(required.length > 0 ? { required } : {}) };
  },
  Optional: (schema: Schema): Schema => {
    const copy = { ...schema };
    optional.add(copy);
    return copy;
  },
  String: (options?: Schema): Schema => ({ ...options, type: "string" }),
  Union: (anyOf: readonly Schema[], options?: Schema): Schema => ({ ...options, anyOf }),
};

/** Builders by TypeBox's names. */
export const Type = builder as unknown as Pick<typeof TypeBox, keyof typeof builder>;
