/** Reading a spool back at the start. */
import { ProtocolError } from "@pericard/protocol";
import type { Frame, FramePosition, LogEntry } from "@pericard/framelog";
import { GatewayError } from "./errors.ts";
import { readClientMessage } from "./message.ts";
import type { SpoolItem, SpoolLedger } from "./spool-ledger.ts";
import { decodeDone, decodeItem, RECORD } from "./spool-record.ts";

/**
 * The item that a frame holds.
 *
 * @throws {ProtocolError} when it holds none; {GatewayError} as {@link readClientMessage}.
 */
function readItem(frame: Frame, position: FramePosition): SpoolItem {
  const record = decodeItem(frame.content);
  const order = record.order ?? frame.number;
  if (order > frame.number) throw new ProtocolError("ERR_FIELD_RANGE", "item has an order from the future");
  const { routing, fingerprint } = readClientMessage(record.message);
  const { client, receivedAtUnixMs } = record;
  return { order, routing, fingerprint, client, receivedAtUnixMs, position };
}

function takeFrame(ledger: SpoolLedger, frame: Frame, position: FramePosition): void {
  if (frame.kind === RECORD.item) ledger.add(readItem(frame, position));
  if (frame.kind !== RECORD.done) return;
  const { order, fingerprint } = decodeDone(frame.content);
  if (ledger.find(order)?.fingerprint === fingerprint) ledger.remove(order);
}

/**
 * Fills an empty ledger from the entries of a log, and tells of each run of bytes that could not be used. What they held
 * is lost to the gateway only: terminals keep everything until the storage server has signed for it.
 */
export function replaySpool(
  entries: Iterable<LogEntry>,
  ledger: SpoolLedger,
  onUnusable: (position: FramePosition) => void,
): void {
  for (const entry of entries) {
    try {
      if (entry.kind === "frame") takeFrame(ledger, entry.frame, entry.position);
      else onUnusable(entry.position);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof GatewayError)) throw error;
      onUnusable(entry.position);
    }
  }
}
