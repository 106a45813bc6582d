/** A source that somebody vouches for as published recordings. */
import type { Source } from "./source.ts";

/** The same source, named as public test data: a terminal of suite paper-2018 takes it then. */
export function asPublicTestData(source: Source): Source {
  return { ...source, testData: "public", blocks: (fromFrame, signal) => source.blocks(fromFrame, signal) };
}
