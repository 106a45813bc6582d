/** The thread of the embedded catalog. */
import { workerData } from "node:worker_threads";
import type { ThreadMethods } from "../../threads/messages.ts";
import { serveThread } from "../../threads/serve.ts";
import { openSqliteCatalog } from "./sqlite-catalog.ts";

const { folderPath } = workerData as { readonly folderPath: string };
serveThread(openSqliteCatalog(folderPath) as unknown as ThreadMethods);
