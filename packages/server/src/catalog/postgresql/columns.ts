/** Many rows as one statement's parameters: an array for each column. */

/** Values of each column over all rows, in the order of the columns. */
export function columnsOf(rows: readonly (readonly unknown[])[], columnCount: number): readonly (readonly unknown[])[] {
  return Array.from({ length: columnCount }, (_, column) => rows.map((row) => row[column]));
}

/** `unnest` over parameters of these types, from `$first` on. */
export function unnest(types: readonly string[], first = 1): string {
  return `unnest(${types.map((type, i) => `$${first + i}::${type}[]`).join(", ")})`;
}
