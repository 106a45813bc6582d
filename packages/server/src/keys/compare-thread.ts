/** The thread that compares the copies of the key store: it reads every row, and holds nobody up. */
import { compareCopies } from "@pericard/custody";
import { serveThread } from "../threads/serve.ts";

const methods = { compareCopies };
export type CompareMethods = typeof methods;
serveThread(methods);
