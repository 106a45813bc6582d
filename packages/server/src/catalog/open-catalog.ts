/** The embedded catalog behind its port. */
import { ServerError } from "../errors.ts";
import { startThread, type Thread } from "../threads/thread.ts";
import type { ThreadMethods } from "../threads/messages.ts";
import type { Catalog, CatalogMethods } from "./catalog.ts";

const MODULE = new URL("./sqlite/catalog-thread.ts", import.meta.url);
const HEAP_MEGABYTES_MAX = 256;
const DEADLINE = {
  deadlineMs: 30_000,
  late: () => new ServerError("ERR_CATALOG_UNAVAILABLE", "catalog does not answer: look at its disk"),
};
const METHODS: readonly (keyof CatalogMethods)[] = [
  "storePackages",
  "rebuildPackages",
  "endRebuild",
  "findChain",
  "sumPlaces",
  "findPlaces",
  "movePlaces",
  "findOver",
  "lastErasure",
  "listErased",
  "eraseRecording",
  "storeStubs",
  "findStubs",
  "findUnpackedStubs",
  "markStubsPacked",
  "storeGap",
  "findGapHash",
  "keepStatement",
  "walkCopies",
  "findCopied",
  "findItemHashes",
  "replaceCopy",
  "countCopies",
  "storeNote",
  "listNotes",
  "storeStatus",
  "findBootOffset",
  "takeFetchContact",
  "listRecordings",
  "summarisePatients",
  "findRecording",
  "findSegments",
  "findPlacement",
  "findPlacementsFrom",
  "findMissing",
  "storeSummaries",
  "findSummaries",
  "findUnsummarised",
  "appendAudit",
  "countAudit",
  "listAudit",
  "storeSession",
  "findSession",
  "removeSession",
  "listStatus",
  "close",
];

/** Starts the catalog's thread over a folder. */
export function openCatalogThread(folderPath: string): { readonly catalog: Catalog; end(): void } {
  const thread: Thread<CatalogMethods & ThreadMethods> = startThread(
    MODULE,
    { folderPath },
    METHODS,
    HEAP_MEGABYTES_MAX,
    DEADLINE,
  );
  return { catalog: thread.calls, end: () => thread.end() };
}
