/** Asks a server for a terminal's streams, with every part of a request in a test's hand. */
import {
  deriveGroupKey,
  ed25519Public,
  openReturned,
  rawPublicKey,
  sha256,
  verifyMessage,
  type HpkeKeyPair,
} from "@pericard/crypto";
import {
  decodeMail,
  FetchBack,
  parseReturned,
  parseSigned,
  SIGNED_MEDIA_TYPE,
  SUITE,
  UPLOAD_PATH,
  type FetchPlace,
  type FetchWanted,
  type ParsedSigned,
  type RecordingId,
  type ReturnedContent,
  type ReturnedList,
  type ReturnedPage,
} from "@pericard/protocol";
import { UPLOAD_TOKEN, type TestInstallation } from "./test-server.ts";
import type { TestTerminal } from "./test-terminal.ts";

/** The group that answers are asked under. */
const GROUP = { cycle: 0, index: 5 };
export const BEGIN: FetchPlace = { sequence: 0, offsetBytes: 0 };

/** What a server said to a request: one signed message, or the code of a refusal. */
export interface Said {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | null;
  readonly message: Uint8Array;
}

export const pageOf = (recording: RecordingId, from: FetchPlace = BEGIN, stream = 0): FetchWanted => ({
  kind: "page",
  name: { recording, stream },
  from,
});
export const LIST: FetchWanted = { kind: "list", after: null };

export class TestFetcher {
  readonly #site: TestInstallation;
  readonly #terminal: TestTerminal;
  #contact = 0;

  constructor(site: TestInstallation, terminal: TestTerminal) {
    this.#site = site;
    this.#terminal = terminal;
  }

  /** A signed request with a contact that is new unless told otherwise. */
  request(asked: FetchBack["asked"], wish: Partial<FetchBack> = {}): Uint8Array {
    this.#contact += 1;
    const { routing } = this.#terminal;
    const payload = FetchBack.encode({ routing, contact: this.#contact, ...GROUP, asked, ...wish });
    return this.#terminal.sign("pericard/fetch-back", payload);
  }

  async send(request: Uint8Array): Promise<Said> {
    const response = await fetch(`${this.#site.server.url}${UPLOAD_PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${UPLOAD_TOKEN}`, "content-type": SIGNED_MEDIA_TYPE },
      body: new Uint8Array(request),
    });
    const body = new Uint8Array(await response.arrayBuffer());
    const { status, ok, headers } = response;
    const [message = new Uint8Array(0)] = ok ? decodeMail(body) : [];
    const code = ok ? undefined : (JSON.parse(new TextDecoder().decode(body)) as { code: string }).code;
    return { status, code, retryAfter: headers.get("retry-after"), message };
  }

  /** A signed challenge of the server. */
  async challenge(): Promise<Uint8Array> {
    return (await this.send(this.request(null))).message;
  }

  /** What the server answers to a request that is right in every way. */
  async ask(wanted: FetchWanted): Promise<Said> {
    return this.send(this.request({ challenge: await this.challenge(), wanted }));
  }

  /** The message, verified as the server's. */
  verified(message: Uint8Array): ParsedSigned {
    const [key] = this.#site.store.serverKeys("receipt");
    const parsed = parseSigned(message);
    verifyMessage(ed25519Public((key as NonNullable<typeof key>).publicBytes), parsed);
    return parsed;
  }

  /** The content of the answer to a request, opened as the terminal does. */
  open(request: Uint8Array, { message }: Said, terminal: TestTerminal = this.#terminal): ReturnedContent {
    const { payload } = this.verified(message);
    const { serial, tenant } = terminal.registered;
    const binding = { suite: SUITE.pericard1, tenant, terminal: serial };
    const returnKey = deriveGroupKey(terminal.block, binding, "return", GROUP.cycle, GROUP.index);
    const pair: HpkeKeyPair = { privateKey: terminal.agreeKey, publicBytes: rawPublicKey(terminal.agreeKey) };
    const asked = { routing: terminal.routing, requestHash: sha256(request) };
    return openReturned(pair, returnKey, parseReturned(payload), asked);
  }

  async list(after: Extract<FetchWanted, { kind: "list" }>["after"] = null): Promise<ReturnedList> {
    const request = this.request({ challenge: await this.challenge(), wanted: { kind: "list", after } });
    return this.open(request, await this.send(request)) as ReturnedList;
  }

  /** Every page of a stream, under one challenge. */
  async pages(recording: RecordingId, from: FetchPlace = BEGIN): Promise<readonly ReturnedPage[]> {
    const challenge = await this.challenge();
    const pages: ReturnedPage[] = [];
    for (let next: FetchPlace | null = from; next; next = pages.at(-1)?.next ?? null) {
      const request = this.request({ challenge, wanted: pageOf(recording, next) });
      pages.push(this.open(request, await this.send(request)) as ReturnedPage);
    }
    return pages;
  }
}

/** Bodies of the segments in pages, each whole, by sequence. */
export function bodiesIn(pages: readonly ReturnedPage[]): ReadonlyMap<number, Uint8Array> {
  const bodies = new Map<number, Uint8Array>();
  for (const { sequence, offsetBytes, sizeBytes, data } of pages.flatMap(({ segments }) => segments)) {
    const body = bodies.get(sequence) ?? new Uint8Array(sizeBytes);
    body.set(data, offsetBytes);
    bodies.set(sequence, body);
  }
  return bodies;
}
