/** What an assembled terminal sends to have its key block checked. Source: paper A §II.G; docs/format-paper-2018.md §6. */
import { decodeCanonical, encodeCbor } from "./cbor.ts";
import { readBytes, readTuple } from "./fields.ts";
import { TerminalId } from "./ids.ts";
import { readPaperSuite, SUITE } from "./suites.ts";

/** The serial number and MD5 of the whole block, 16 bytes. */
export interface PaperDeploymentCheck {
  readonly terminal: TerminalId;
  readonly digest: Uint8Array;
}

const SIZE_BYTES_MAX = 64;

/** The bytes of a check. @throws {ProtocolError} as {@link decodePaperCheck}. */
export function encodePaperCheck({ terminal, digest }: PaperDeploymentCheck): Uint8Array {
  const bytes = encodeCbor([SUITE.paper2018, TerminalId.toBytes(terminal), digest]);
  decodePaperCheck(bytes);
  return bytes;
}

/** @throws {ProtocolError} with the code of the first thing that is wrong. */
export function decodePaperCheck(bytes: Uint8Array): PaperDeploymentCheck {
  const [suite, terminal, digest] = readTuple("deployment check", decodeCanonical(bytes, SIZE_BYTES_MAX), 3);
  readPaperSuite(suite);
  return { terminal: TerminalId.fromBytes(terminal), digest: readBytes("digest", digest, 16) };
}
