/** A small server: opens what terminals send, keeps it in memory, and answers as a test wants. */
import {
  deriveGroupKey,
  ed25519Private,
  ed25519Public,
  openEnvelope,
  openSegment,
  sha256,
  signMessage,
  verifyMessage,
  x25519Private,
} from "@pericard/crypto";
import type { ServerKey } from "@pericard/custody";
import { getSegmentCodec } from "@pericard/ecg";
import {
  Command,
  Conflict,
  encodeMail,
  Erased,
  Gap,
  KeyId,
  parseEnvelope,
  parseSegment,
  parseSigned,
  Receipt,
  Rejected,
  Rewrap,
  RoutingId,
  Status,
  toHex,
  type EnvelopeId,
  type RecordingId,
  type SegmentBody,
  type SegmentHeader,
  type SegmentPlace,
  type SignedType,
} from "@pericard/protocol";
import type { PostAnswer, PostOptions, Transport } from "@pericard/terminal";
import type { Installation } from "./deployed.ts";

/** One segment as the server opened it. */
export interface Received {
  readonly hash: Uint8Array;
  readonly header: SegmentHeader;
  readonly body: SegmentBody;
  readonly leads: readonly Int32Array[];
  readonly envelope: EnvelopeId;
}

/** What the server says to one segment. */
export type Verdict =
  | "receipt"
  | "silent"
  | "erased"
  | { readonly conflict: Conflict["cause"] }
  | { readonly rejected: string };

/** What an answer of a server in memory has when it has nothing to say. */
export const PLAIN = { retryAfterMs: null, cutOff: false, target: "memory" } as const;

type Intercepted = PostAnswer | undefined;

const NOW_UNIX_MS = Date.UTC(2026, 0, 2);

/** The server of one installation. */
export class TestServer {
  readonly installation: Installation;
  /** Stored segments by recording, stream and sequence. */
  stored = new Map<string, Received>();
  readonly gaps: Gap[] = [];
  readonly statuses: Status[] = [];
  /** Segments of each envelope, in order of arrival. */
  readonly envelopes: (readonly Received[])[] = [];
  readonly bodies: Uint8Array[] = [];
  /** Mail that the next answer carries beside receipts. */
  mail: Uint8Array[] = [];
  judge: (segment: Received) => Verdict = () => "receipt";
  /** Refuses a whole envelope without opening it, with that code. */
  refuseEnvelope: (segments: number) => string | undefined = () => undefined;
  /** What a post answers instead; undefined to take it. */
  intercept: (body: Uint8Array, options: Omit<PostOptions, "signal">) => Intercepted | Promise<Intercepted> = () =>
    undefined;
  /** What a message of a key change is answered with. */
  answerKeyChange: (bytes: Uint8Array) => readonly Uint8Array[] = () => [];
  receiptKey: ServerKey;
  hpkeKey: ServerKey;
  /** Keys that came after those of the installation. */
  hpkeKeys: readonly ServerKey[] = [];
  /** What the answer to an envelope carries besides. */
  afterEnvelope: (sent: { readonly envelope: EnvelopeId; readonly hpkeKey: KeyId }) => readonly Uint8Array[] = () => [];

  constructor(installation: Installation) {
    this.installation = installation;
    [this.receiptKey, this.hpkeKey] = [newest(installation, "receipt"), newest(installation, "hpke")];
  }

  /** Takes one message and gives the answer's mail. */
  receive(bytes: Uint8Array): readonly Uint8Array[] {
    const message = parseSigned(bytes);
    const routing = RoutingId.fromBytes(message.keyIdBytes);
    const terminal = this.installation.store.findTerminalByRouting(routing);
    if (!terminal?.signPublicKey) throw new Error("terminal is unknown");
    verifyMessage(ed25519Public(terminal.signPublicKey), message);
    this.bodies.push(bytes);
    const waiting = this.mail;
    this.mail = [];
    if (message.type === "pericard/status") {
      this.statuses.push(Status.decode(message.payload));
      return waiting;
    }
    if (message.type.startsWith("pericard/key-")) return [...waiting, ...this.answerKeyChange(bytes)];
    if (message.type === "pericard/gap") {
      this.gaps.push(Gap.decode(message.payload));
      return [...waiting, this.receipt(routing, [sha256(bytes)])];
    }
    const { header, recipient } = parseEnvelope(message.payload);
    const besides = this.afterEnvelope({ envelope: header.envelope, hpkeKey: recipient.hpkeKey });
    return [...waiting, ...this.#takeEnvelope(routing, message.payload), ...besides];
  }

  #takeEnvelope(routing: RoutingId, payload: Uint8Array): readonly Uint8Array[] {
    const segments = this.open(routing, payload);
    const code = this.refuseEnvelope(segments.length);
    const { envelope } = parseEnvelope(payload).header;
    if (code !== undefined) return [this.rejected(routing, code, [], envelope)];
    this.envelopes.push(segments);
    const verdicts = segments.map((segment) => ({ segment, verdict: this.#verdictOf(segment) }));
    const receipted = verdicts.filter(({ verdict }) => verdict === "receipt").map(({ segment }) => segment);
    for (const segment of receipted) this.stored.set(placeOf(segment.header), segment);
    const erased = verdicts.filter(({ verdict }) => verdict === "erased").map(({ segment }) => segment);
    const hashes = receipted.map(({ hash }) => hash);
    const answers = hashes.length > 0 ? [this.receipt(routing, hashes)] : [];
    for (const [recording, group] of Map.groupBy(erased, ({ header }) => header.recording)) {
      answers.push(
        this.erased(
          routing,
          recording,
          group.map(({ hash }) => hash),
        ),
      );
    }
    for (const { segment, verdict } of verdicts) {
      if (typeof verdict === "string") continue;
      answers.push(
        "conflict" in verdict
          ? this.conflict(routing, segment, verdict.conflict)
          : this.rejected(routing, verdict.rejected, [segment.hash], null),
      );
    }
    return answers;
  }

  #verdictOf(segment: Received): Verdict {
    const there = this.stored.get(placeOf(segment.header));
    if (there) return toHex(there.hash) === toHex(segment.hash) ? "receipt" : { conflict: "sequence" };
    return this.judge(segment);
  }

  /** Opens an envelope's segments and decodes their samples. */
  open(routing: RoutingId, payload: Uint8Array): readonly Received[] {
    const { store } = this.installation;
    const terminal = store.findTerminalByRouting(routing);
    if (!terminal) throw new Error("terminal is unknown");
    const parsed = parseEnvelope(payload);
    const block = store.openBlock(terminal.serial);
    const binding = { suite: terminal.suite, tenant: terminal.tenant, terminal: terminal.serial };
    const { cycle, index, hpkeKey } = parsed.recipient;
    const key = [...this.hpkeKeys, ...store.serverKeys("hpke")].find(({ keyId }) => keyId === hpkeKey) ?? this.hpkeKey;
    const recipient = { privateKey: x25519Private(key.privateBytes), publicBytes: key.publicBytes };
    const transportKey = deriveGroupKey(block, binding, "transport", cycle, index);
    return openEnvelope(recipient, transportKey, parsed).segments.map((bytes) => {
      const segment = parseSegment(bytes);
      const storageKey = deriveGroupKey(block, binding, "storage", segment.header.cycle, segment.header.index);
      const { body } = openSegment(storageKey, segment);
      const leads = body.descriptor.shape === null ? [] : getSegmentCodec(body.codec).decode(body.encoded, LIMITS);
      return { hash: sha256(bytes), header: segment.header, body, leads, envelope: parsed.header.envelope };
    });
  }

  sign(type: SignedType, payload: Uint8Array): Uint8Array {
    const { keyId, privateBytes } = this.receiptKey;
    return signMessage(ed25519Private(privateBytes), type, KeyId.toBytes(keyId), payload);
  }

  receipt(routing: RoutingId, hashes: readonly Uint8Array[]): Uint8Array {
    const payload = Receipt.encode({ routing, receivedAtUnixMs: NOW_UNIX_MS, copyCount: 2, hashes });
    return this.sign("pericard/receipt", payload);
  }

  rewrap(routing: RoutingId, envelope: EnvelopeId, hpkeKey: KeyId): Uint8Array {
    return this.sign("pericard/rewrap", Rewrap.encode({ routing, answeredAtUnixMs: NOW_UNIX_MS, envelope, hpkeKey }));
  }

  erased(routing: RoutingId, recording: RecordingId, hashes: readonly Uint8Array[]): Uint8Array {
    return this.sign("pericard/erased", Erased.encode({ routing, erasedAtUnixMs: NOW_UNIX_MS, recording, hashes }));
  }

  conflict(
    routing: RoutingId,
    { hash, header }: { readonly hash: Uint8Array; readonly header: SegmentPlace },
    cause: Conflict["cause"],
  ): Uint8Array {
    const { recording, stream, sequence } = header;
    const fields = { routing, detectedAtUnixMs: NOW_UNIX_MS, hash, recording, stream, sequence, cause };
    return this.sign("pericard/conflict", Conflict.encode(fields));
  }

  rejected(routing: RoutingId, code: string, hashes: readonly Uint8Array[], envelope: EnvelopeId | null): Uint8Array {
    const payload = Rejected.encode({ routing, rejectedAtUnixMs: NOW_UNIX_MS, code, envelope, hashes });
    return this.sign("pericard/rejected", payload);
  }

  command(routing: RoutingId, mailNumber: number, name: Command["name"], value: number, lastsMs = 60_000): Uint8Array {
    const times = { issuedAtUnixMs: NOW_UNIX_MS, expiresAtUnixMs: NOW_UNIX_MS + lastsMs };
    return this.sign("pericard/command", Command.encode({ routing, mailNumber, ...times, name, value }));
  }

  /** Recordings in order of arrival of their first segment. */
  get recordings(): readonly string[] {
    return [...new Set([...this.stored.values()].map(({ header }) => header.recording))];
  }

  /** Stored segments of one recording by sequence. */
  segmentsOf(recording: string): readonly Received[] {
    return [...this.stored.values()]
      .filter(({ header }) => header.recording === recording)
      .sort((a, b) => a.header.sequence - b.header.sequence);
  }

  /** All samples of one recording, a lead each. */
  samplesOf(recording: string): readonly (readonly number[])[] {
    const segments = this.segmentsOf(recording);
    return (segments[0]?.leads ?? []).map((_, lead) => segments.flatMap(({ leads }) => [...(leads[lead] ?? [])]));
  }

  /** A way to this server that needs no network. */
  transport(): Transport & { posts: number } {
    const transport = {
      posts: 0,
      sentBytes: 0,
      target: null as string | null,
      preferred: "memory",
      heard: () => undefined,
      quietSinceMs: () => 0,
      doubt: () => undefined,
      close: () => undefined,
      post: async (body: Uint8Array, options: PostOptions): Promise<PostAnswer> => {
        await new Promise(setImmediate);
        transport.posts += 1;
        transport.sentBytes += body.length;
        const answer = await this.intercept(body, options);
        if (answer) return answer;
        transport.target = "memory";
        const mail = encodeMail(this.receive(body));
        return { status: 200, mail, problemCode: null, ...PLAIN };
      },
    };
    return transport;
  }
}

const LIMITS = { leadCountMax: 64, sampleCountMax: 4_194_304 };

function placeOf({ recording, stream, sequence }: SegmentHeader): string {
  return `${recording}/${stream}/${sequence}`;
}

function newest(installation: Installation, purpose: "hpke" | "receipt"): ServerKey {
  const [key] = installation.store.serverKeys(purpose);
  if (!key) throw new Error("installation has no keys");
  return key;
}
