/**
 * What a server does about erased recordings: forgets their keys, takes them out of the catalog, keeps the chain as stubs.
 *
 * The key store says what was erased, by numbers that rise; the catalog says up to which number it was acted on. So it is
 * all one whether this server erased, or another one, or whether the catalog is new, or an old one that was put back.
 *
 * Source: docs/format.md §7.11, §12.8.
 */
import { sha256, signMessage } from "@pericard/crypto";
import type { Tombstone } from "@pericard/custody";
import { KeyId, STUBS_MAX, Stubs, type RecordingId } from "@pericard/protocol";
import type { Catalog, StubRow } from "../catalog/catalog.ts";
import type { ControlArea } from "../control/control-area.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { StatementSigner } from "../keys/server-keys.ts";
import { STORED_KIND } from "../volumes/volume.ts";

const TOMBSTONES_AT_ONCE = 64;

export interface ErasureParts {
  readonly keyStore: KeyStorePort;
  readonly catalog: Catalog;
  readonly control: ControlArea;
  readonly keys: StatementSigner;
  readonly nowUnixMs: () => number;
  /** Whoever remembers anything of the recording forgets it. */
  readonly forget: (recording: RecordingId) => void;
  readonly onError: (error: unknown) => void;
}

/** Follows the key store's tombstones. */
export class Erasures {
  readonly #parts: ErasureParts;
  #forgotten = 0;
  #working: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ErasureParts) {
    this.#parts = parts;
  }

  /**
   * Acts on what was erased since the catalog was last used, and then looks now and again. To be called before anything is
   * served.
   *
   * @throws when key store or catalog do not answer.
   */
  async start(intervalMs: number): Promise<void> {
    const last = await this.#parts.catalog.lastErasure();
    const [known] = last === 0 ? [] : await this.#parts.keyStore.tombstonesAfter(last - 1, 1);
    if (last > 0 && known?.number !== last) await this.#eraseAgain();
    this.#forgotten = known?.number === last ? last : 0;
    await this.catchUp();
    const look = (): void => {
      this.catchUp()
        .then(() => this.pack())
        .catch(this.#parts.onError);
    };
    this.#timer = setInterval(look, intervalMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Acts on every tombstone that was not acted on. What nobody may see is gone when it resolves. */
  catchUp(): Promise<void> {
    return this.#inTurn(() => this.#catchUp());
  }

  /** Puts stubs on the volumes that lie in the catalog alone. @throws {ServerError} ERR_STORE_UNAVAILABLE, ERR_BUFFER_FULL. */
  pack(): Promise<void> {
    return this.#inTurn(() => this.#pack());
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#working.then(work);
    this.#working = turn.catch(() => undefined);
    return turn;
  }

  /**
   * The catalog knows of erasures that the key store does not: it was put back from a backup of before, with the keys. Those
   * of recordings are erased again; a patient's name is not, since the catalog does not have it.
   */
  async #eraseAgain(): Promise<void> {
    const { catalog, keyStore, nowUnixMs, onError } = this.#parts;
    const order = { reason: "key store was put back from before the erasure", by: "server", atUnixMs: nowUnixMs() };
    let after = 0;
    for (;;) {
      const rows = await catalog.listErased(after, TOMBSTONES_AT_ONCE);
      for (const { recording } of rows) {
        try {
          if (await keyStore.findRecordingKey(recording)) await keyStore.eraseRecordings([recording], order);
        } catch (error) {
          // A hold that was put back too: it stays readable by its key, not shown by this catalog, and somebody is told.
          onError(error);
        }
      }
      const last = rows.at(-1);
      if (!last) break;
      after = last.number;
    }
    onError(new ServerError("ERR_KEYSTORE_OLD", "key store was put back from before erasures: see docs/keys.md"));
  }

  async #catchUp(): Promise<void> {
    const { keyStore, catalog } = this.#parts;
    for (;;) {
      const found = await keyStore.tombstonesAfter(this.#forgotten, TOMBSTONES_AT_ONCE);
      if (found.length === 0) return;
      // First of all nobody has the keys any more, whatever becomes of the rows.
      for (const { recording } of found) this.#parts.forget(recording);
      for (const tombstone of found) {
        await catalog.eraseRecording(tombstone);
        this.#parts.forget(tombstone.recording);
        this.#forgotten = tombstone.number;
      }
    }
  }

  async #pack(): Promise<void> {
    const { catalog, keyStore, control } = this.#parts;
    for (;;) {
      const found = await catalog.findUnpackedStubs(STUBS_MAX);
      if (!found) return;
      const tombstone = await keyStore.findTombstone(found.recording);
      if (!tombstone) throw new TypeError(`stubs of recording ${found.recording} have no tombstone`);
      const bytes = this.#sign(tombstone, found.stubs);
      const hash = sha256(bytes);
      const copies = await control.store({ kind: STORED_KIND.stubs, bytes });
      await catalog.keepStatement({ kind: STORED_KIND.stubs, hash, copies });
      await catalog.markStubsPacked(found.recording, found.stubs);
    }
  }

  #sign({ tenant, recording, erasedAtUnixMs }: Tombstone, stubs: readonly StubRow[]): Uint8Array {
    const { privateKey, keyId } = this.#parts.keys.statementKey;
    const payload = Stubs.encode({ tenant, recording, stream: stubs[0]?.stream ?? 0, erasedAtUnixMs, stubs });
    return signMessage(privateKey, "pericard/stubs", KeyId.toBytes(keyId), payload);
  }
}
