/**
 * The body of every answer to a terminal: signed messages of its mailbox.
 *
 * Source: docs/format.md §9.2.
 */
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readBytesUpTo } from "./fields.ts";
import { MAIL_ANSWER_BYTES_MAX, MAIL_MESSAGES_MAX, STATEMENT_BYTES_MAX } from "./limits.ts";

/** Signed messages as one CBOR array of byte strings. */
export function encodeMail(messages: readonly Uint8Array[]): Uint8Array {
  return encodeCbor(messages);
}

/** @throws {ProtocolError} ERR_LENGTH_LIMIT, ERR_CBOR_MALFORMED or ERR_FIELD_RANGE. The messages are not verified. */
export function decodeMail(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length > MAIL_ANSWER_BYTES_MAX) {
    throw new ProtocolError("ERR_LENGTH_LIMIT", `mail is ${bytes.length} bytes`);
  }
  return readArray("mail", decodeCbor(bytes), 0, MAIL_MESSAGES_MAX).map((message) =>
    readBytesUpTo("message", message, STATEMENT_BYTES_MAX),
  );
}
