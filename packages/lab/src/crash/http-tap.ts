/** Listens to one direction of an HTTP/1.1 connection: heads and bodies, as they pass. Source: RFC 9112. */

/** One message that passed whole. */
export interface TappedMessage {
  readonly startLine: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

const HEAD_END = Buffer.from("\r\n\r\n");

function parseHead(text: string): Omit<TappedMessage, "body"> {
  const [startLine = "", ...lines] = text.split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { startLine, headers: new Map(headers) };
}

/** Cuts a stream of bytes into messages. Only bodies with a length are known: Pericard sends no others. */
export class HttpTap {
  readonly #onMessage: (message: TappedMessage) => void;
  #bytes = Buffer.alloc(0);

  constructor(onMessage: (message: TappedMessage) => void) {
    this.#onMessage = onMessage;
  }

  /** Takes bytes that pass. @throws {RangeError} when a body comes in chunks. */
  push(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let taken = this.#takeOne(); taken; taken = this.#takeOne()) this.#onMessage(taken);
  }

  #takeOne(): TappedMessage | undefined {
    const headBytes = this.#bytes.indexOf(HEAD_END);
    if (headBytes < 0) return undefined;
    const head = parseHead(this.#bytes.toString("latin1", 0, headBytes));
    if (head.headers.has("transfer-encoding")) throw new RangeError("body: expected a length, got chunks");
    const bodyAt = headBytes + HEAD_END.length;
    const endAt = bodyAt + Number(head.headers.get("content-length") ?? 0);
    if (this.#bytes.length < endAt) return undefined;
    const body = new Uint8Array(this.#bytes.subarray(bodyAt, endAt));
    this.#bytes = this.#bytes.subarray(endAt);
    return { ...head, body };
  }
}
