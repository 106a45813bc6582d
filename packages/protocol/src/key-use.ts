/** Key uses as the order in which a terminal seals: each is taken once, and they only rise. */
import type { KeyUse } from "./segment.ts";

/** Negative when `a` was taken before `b`, positive when after, 0 when they are the same. */
export function compareKeyUse(a: KeyUse, b: KeyUse): number {
  return a.cycle - b.cycle || a.index - b.index || a.use - b.use;
}
