/** The floor itself: one envelope in, one receipt out, by the steps that cannot be left out. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from "node:crypto";
import type { TerminalKeys } from "../fleet.ts";
import { findEncoded, findEnvelopeParts, findSegmentParts } from "./envelope-parts.ts";
import type { FloorStore } from "./floor-store.ts";
import {
  digest,
  openContent,
  openContentKey,
  openSegmentPlain,
  sealPackageBare,
  signReceipt,
  verifyEnvelope,
  type Recipient,
} from "./steps.ts";

/** What a terminal is to the floor. */
export interface FloorTerminal {
  readonly verifyKey: KeyObject;
  readonly storageKey: Uint8Array;
  readonly transportKey: Uint8Array;
  readonly dataKey: Uint8Array;
}

/** Keys of the floor. */
export interface FloorKeys {
  readonly recipient: Recipient;
  readonly receiptKey: KeyObject;
  /** By routing id as latin1 text. */
  readonly terminals: ReadonlyMap<string, FloorTerminal>;
}

/** Keys as a parent hands them over. */
export interface FloorKeyBytes {
  readonly hpkePrivate: Uint8Array;
  readonly hpkePublic: Uint8Array;
  readonly terminals: readonly TerminalKeys[];
}

export function loadKeys({ hpkePrivate, hpkePublic, terminals }: FloorKeyBytes): FloorKeys {
  const raw = { format: "raw-private", asymmetricKeyType: "x25519" } as const;
  return {
    recipient: { privateKey: createPrivateKey({ key: Buffer.from(hpkePrivate), ...raw }), publicBytes: hpkePublic },
    receiptKey: generateKeyPairSync("ed25519").privateKey,
    terminals: new Map(
      terminals.map((keys) => [Buffer.from(keys.routing, "hex").toString("latin1"), loadTerminal(keys)]),
    ),
  };
}

function loadTerminal({ signPublicKey, storageKey, transportKey }: TerminalKeys): FloorTerminal {
  const raw = { format: "raw-public", asymmetricKeyType: "ed25519" } as const;
  const verifyKey = createPublicKey({ key: Buffer.from(signPublicKey), ...raw });
  return { verifyKey, storageKey, transportKey, dataKey: randomBytes(32) };
}

/** The terminal of an envelope. */
export function terminalOf(keys: FloorKeys, routing: string): FloorTerminal {
  const terminal = keys.terminals.get(routing);
  if (!terminal) throw new Error("terminal is not known");
  return terminal;
}

/** What is left of an envelope once it is opened and sealed anew. */
interface OpenedEnvelope {
  readonly recording: Uint8Array;
  readonly sequence: number;
  readonly hash: Buffer;
  readonly bytes: Uint8Array;
}

export class Floor {
  readonly #keys: FloorKeys;
  readonly #disk: FloorStore;
  #count = 0;

  constructor(keys: FloorKeys, disk: FloorStore) {
    this.#keys = keys;
    this.#disk = disk;
  }

  /** Takes one envelope; resolves with the receipt when everything is durable. */
  receive(body: Buffer): Promise<Buffer> {
    return this.#store(this.#open(body));
  }

  /** Everything up to the sealed package. What it returns holds on to nothing of the body while the disk is waited for. */
  #open(body: Buffer): OpenedEnvelope {
    const envelope = findEnvelopeParts(body);
    const terminal = terminalOf(this.#keys, envelope.routing);
    verifyEnvelope(terminal.verifyKey, envelope);
    const sealed = openContent(openContentKey(this.#keys.recipient, terminal.transportKey, envelope), envelope);
    const segment = findSegmentParts(sealed);
    const plain = openSegmentPlain(terminal.storageKey, segment);
    const hash = digest(sealed, findEncoded(plain));
    return {
      recording: new Uint8Array(segment.recording),
      sequence: segment.sequence,
      hash,
      bytes: sealPackageBare(terminal.dataKey, hash, plain),
    };
  }

  async #store({ recording, sequence, hash, bytes }: OpenedEnvelope): Promise<Buffer> {
    const sizeBytes = bytes.length;
    const copies = await this.#disk.append(bytes);
    this.#count += 1;
    const number = this.#count;
    await this.#disk.addRow({ recording, number, sequence, hash, sizeBytes, receivedAtUnixMs: Date.now(), copies });
    return signReceipt(this.#keys.receiptKey, hash);
  }
}
