/**
 * Collects young garbage by the bytes of its buffers. The collector of a thread goes by small objects, and lets 32 MB of dead
 * buffers stand behind them before it looks. Needs Node's `--expose-gc`, as packages/cli/bin/resident.json has it; without
 * it nothing is done.
 */
const COLLECT_BYTES = 8 * 1024 * 1024;

const collect = (globalThis as { gc?: (options: { readonly type: "minor" }) => void }).gc;
let bytesSince = 0;

/** Notes that this thread made buffers of so many bytes that are not needed any more, or soon will not be. */
export function noteYoungBytes(sizeBytes: number): void {
  bytesSince += sizeBytes;
  if (bytesSince < COLLECT_BYTES) return;
  bytesSince = 0;
  collect?.({ type: "minor" });
}
