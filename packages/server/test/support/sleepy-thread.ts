/** A thread that sleeps as a hung disk makes one sleep: nothing else runs in it meanwhile. */
import { serveThread } from "../../src/threads/serve.ts";

const methods = {
  sleep: (ms: number): number => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return ms;
  },
};
export type SleepyMethods = typeof methods;
serveThread(methods);
