/**
 * The body of every answer to a terminal: signed messages of its mailbox.
 *
 * Source: docs/format.md §9.2.
 */
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readBytesUpTo } from "./fields.ts";
import { MAIL_ANSWER_BYTES_MAX, MAIL_MESSAGES_MAX, RETURNED_BYTES_MAX } from "./limits.ts";

/** Signed messages as one CBOR array of byte strings. @throws {ProtocolError} as {@link decodeMail}. */
export function encodeMail(messages: readonly Uint8Array[]): Uint8Array {
  readMessages(messages);
  const bytes = encodeCbor(messages);
  requireMailBytes(bytes.length);
  return bytes;
}

function requireMailBytes(sizeBytes: number): void {
  if (sizeBytes > MAIL_ANSWER_BYTES_MAX) throw new ProtocolError("ERR_LENGTH_LIMIT", `mail is ${sizeBytes} bytes`);
}

function readMessages(value: unknown): readonly Uint8Array[] {
  return readArray("mail", value, 0, MAIL_MESSAGES_MAX).map((message) =>
    readBytesUpTo("message", message, RETURNED_BYTES_MAX),
  );
}

/** @throws {ProtocolError} ERR_LENGTH_LIMIT, ERR_CBOR_MALFORMED or ERR_FIELD_RANGE. The messages are not verified. */
export function decodeMail(bytes: Uint8Array): readonly Uint8Array[] {
  requireMailBytes(bytes.length);
  return readMessages(decodeCbor(bytes));
}
