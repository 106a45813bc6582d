/** What a terminal tells while it works, for progress lines and logs. No samples, keys or tokens. */
import type { Command, Conflict, Gap, RecordingId } from "@pericard/protocol";

/** One event. */
export type TerminalEvent =
  | {
      /** A segment became durable in the journal. */
      readonly type: "segment";
      readonly recording: RecordingId;
      readonly sequence: number;
      readonly sealedBytes: number;
      readonly final: boolean;
    }
  /** A valid receipt: these items may leave the journal. */
  | { readonly type: "receipt"; readonly itemCount: number; readonly copyCount: number }
  | {
      /** The server contradicts a segment; it was sealed anew into a recording of its own. */
      readonly type: "conflict";
      readonly recording: RecordingId;
      readonly sequence: number;
      readonly cause: Conflict["cause"];
    }
  /** The server will never take an item; it is in quarantine. */
  | { readonly type: "rejected"; readonly recording: RecordingId; readonly sequence: number; readonly code: string }
  /** The server cannot open an envelope any more: these items are sent again at once, sealed to its newest key. */
  | { readonly type: "rewrap"; readonly itemCount: number }
  /** The server erased a recording: these items left the journal and are not sent again. */
  | { readonly type: "erased"; readonly recording: RecordingId; readonly itemCount: number }
  /** The journal's medium lost a segment; a gap was stated. */
  | { readonly type: "gap"; readonly recording: RecordingId; readonly sequence: number; readonly cause: Gap["cause"] }
  /** The medium lost observations before they were in a segment. */
  | { readonly type: "observations-lost"; readonly count: number }
  | { readonly type: "command"; readonly name: Command["name"]; readonly value: number }
  /** The server changed the maximum use count, in force from now on. */
  | { readonly type: "key-change"; readonly version: number; readonly maximum: number }
  /** A message of a key change was refused, and the server is told so. */
  | { readonly type: "key-change-refused"; readonly code: string }
  /** A full journal makes a file source wait for receipts. */
  | { readonly type: "waiting-for-room" }
  /** The server's keys changed, vouched for by the pinned root. */
  | { readonly type: "server-keys" };

/** Told of every event, in order. It must not throw. */
export type TerminalListener = (event: TerminalEvent) => void;
