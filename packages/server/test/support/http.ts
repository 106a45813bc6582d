/** The two clients of a server: one that uploads and one that reads. */
import {
  Command,
  Conflict,
  decodeMail,
  Erased,
  parseSigned,
  Receipt,
  Rejected,
  Rewrap,
  SIGNED_MEDIA_TYPE,
  toHex,
  UPLOAD_PATH,
} from "@pericard/protocol";

export interface PostWish {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly waitSeconds?: number;
  readonly signal?: AbortSignal;
}

/** One answer to an upload, its mail sorted by type. */
export interface Answer {
  readonly status: number;
  /** Code of the refusal; undefined when the message was taken. */
  readonly code: string | undefined;
  readonly headers: Headers;
  readonly receipts: readonly Receipt[];
  readonly conflicts: readonly Conflict[];
  readonly rejections: readonly Rejected[];
  readonly rewraps: readonly Rewrap[];
  readonly commands: readonly Command[];
  readonly erased: readonly Erased[];
  /** Every message of the mail as it came. */
  readonly mail: readonly Uint8Array[];
  /** h of everything that is receipted, as text, sorted. */
  readonly receipted: readonly string[];
}

export async function postMessage(url: string, message: Uint8Array, wish: PostWish): Promise<Answer> {
  const query = wish.waitSeconds === undefined ? "" : `?waitSeconds=${wish.waitSeconds}`;
  const response = await fetch(`${url}${UPLOAD_PATH}${query}`, {
    method: "POST",
    headers: { authorization: `Bearer ${wish.token ?? ""}`, "content-type": SIGNED_MEDIA_TYPE, ...wish.headers },
    body: new Uint8Array(message),
    signal: wish.signal ?? null,
  });
  const body = new Uint8Array(await response.arrayBuffer());
  const code = response.ok ? undefined : codeIn(body);
  return { status: response.status, code, headers: response.headers, ...readMail(response.ok ? body : undefined) };
}

function codeIn(body: Uint8Array): string {
  return String((JSON.parse(new TextDecoder().decode(body)) as { code?: unknown }).code);
}

function readMail(body: Uint8Array | undefined) {
  const mail = body ? decodeMail(body) : [];
  const messages = mail.map((bytes) => parseSigned(bytes));
  const payloads = (type: string): Uint8Array[] =>
    messages.filter((message) => message.type === type).map(({ payload }) => payload);
  const receipts = payloads("pericard/receipt").map((payload) => Receipt.decode(payload));
  return {
    receipts,
    conflicts: payloads("pericard/conflict").map((payload) => Conflict.decode(payload)),
    rejections: payloads("pericard/rejected").map((payload) => Rejected.decode(payload)),
    rewraps: payloads("pericard/rewrap").map((payload) => Rewrap.decode(payload)),
    mail,
    commands: payloads("pericard/command").map((payload) => Command.decode(payload)),
    erased: payloads("pericard/erased").map((payload) => Erased.decode(payload)),
    receipted: receipts.flatMap(({ hashes }) => hashes.map(toHex)).sort(),
  };
}
