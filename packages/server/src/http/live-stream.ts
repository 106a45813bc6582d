/** Server-sent events about a recording that grows. Source: WHATWG HTML §9.2. */
import type { RecordingId, TerminalId } from "@pericard/protocol";
import type { FastifyReply } from "fastify";
import type { Library } from "../retrieval/library.ts";
import type { LiveFeed } from "../retrieval/live.ts";

/** A comment is sent this often, so that the path does not close a quiet connection, in milliseconds. */
const HEARTBEAT_MS = 15_000;

export interface Followed {
  readonly library: Library;
  readonly live: LiveFeed;
  readonly recording: RecordingId;
  readonly terminal: TerminalId;
  /** Rejects once whoever follows is not signed in any more. */
  readonly requireSession: () => Promise<unknown>;
}

/**
 * Sends the extent now and whenever it changed because something became durable, until the client goes or its session
 * ends.
 */
export async function streamExtents(reply: FastifyReply, followed: Followed): Promise<FastifyReply> {
  const { library, live, recording, terminal, requireSession } = followed;
  void reply.hijack();
  const out = reply.raw;
  if (out.destroyed) return reply;
  out.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    connection: "keep-alive",
  });
  const send = (text: string): boolean => {
    const isOpen = !out.writableEnded && !out.destroyed && !out.writableNeedDrain;
    if (isOpen) out.write(text);
    return isOpen;
  };

  let told = "";
  let isTelling = false;
  let again = false;
  const tell = async (): Promise<void> => {
    isTelling = true;
    while (again) {
      again = false;
      await requireSession();
      const extent = JSON.stringify(await library.extentOf(recording));
      if (extent !== told && send(`event: extent\ndata: ${extent}\n\n`)) told = extent;
    }
    isTelling = false;
  };
  const changed = (): void => {
    again = true;
    if (!isTelling) tell().catch(() => out.end());
  };
  const unfollow = live.follow(recording, terminal, changed);
  const heartbeat = setInterval(() => {
    send(": still here\n\n");
    changed();
  }, HEARTBEAT_MS);
  out.on("close", () => {
    clearInterval(heartbeat);
    unfollow();
  });
  changed();
  return reply;
}
