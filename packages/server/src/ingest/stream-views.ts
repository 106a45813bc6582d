/** What ingest knows of streams without asking the catalog each time: the newest segment of those that are being sent. */
import type { RecordingId } from "@pericard/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { viewOf, type StreamView } from "../catalog/judge.ts";
import { Lru } from "../keys/lru.ts";

const STREAMS_MAX = 50_000;

export class StreamViews {
  readonly #catalog: Catalog;
  readonly #tails = new Lru<string, StreamView>(STREAMS_MAX);

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** The view around the sequences from `from` to `to`. */
  async find(recording: RecordingId, stream: number, from: number, to: number): Promise<StreamView> {
    const tail = this.#tails.get(`${recording}/${stream}`);
    if (tail && from > tail.highestSequence) return tail;
    return viewOf(await this.#catalog.findChain(recording, stream, from, to));
  }

  /** Remembers the newest segment of a stream after a change was stored. */
  remember(recording: RecordingId, stream: number, view: StreamView): void {
    const newest = view.rows.get(view.highestSequence);
    if (!newest) return;
    this.#tails.set(`${recording}/${stream}`, { ...view, rows: new Map([[newest.sequence, newest]]) });
  }

  /** Forgets a stream whose stored state may differ from what was expected. */
  forget(recording: RecordingId, stream: number): void {
    this.#tails.delete(`${recording}/${stream}`);
  }
}
