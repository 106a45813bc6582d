/** The middle value, or the mean of the two middle ones. @throws {RangeError} when there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("values: expected at least 1, got 0");
  return (upper + lower) / 2;
}
