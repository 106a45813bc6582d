/** Every shared vector of a sealed structure, as far as this package alone reads it: without keys. */
import { describe, expect, it } from "vitest";
import {
  encodeEncrypt,
  encodeEncrypt0,
  encodeEnvelopeHeader,
  encodeKeyOrderHeader,
  encodePackageHeader,
  encodeRecipientHeader,
  encodeReturnedHeader,
  encodeSegmentHeader,
  encodeSign1,
  encodeSignedHeader,
  parseEnvelope,
  parseKeyOrder,
  parsePackage,
  parseReturned,
  parseSegment,
  parseSigned,
  ProtocolError,
} from "@pericard/protocol";
import { bytesOf, countCases, loadCases } from "../../../vectors/load.ts";

/** Parses, writes what was read again, and gives those bytes. */
const FILES = [
  {
    name: "segment",
    parsed: 120,
    rewrite: (bytes: Uint8Array) => {
      const { header, ciphertext } = parseSegment(bytes);
      return encodeEncrypt0({ protectedBytes: encodeSegmentHeader(header), ciphertext });
    },
  },
  {
    name: "data-package",
    parsed: 29,
    rewrite: (bytes: Uint8Array) => {
      const { header, ciphertext } = parsePackage(bytes);
      return encodeEncrypt0({ protectedBytes: encodePackageHeader(header), ciphertext });
    },
  },
  {
    name: "envelope",
    parsed: 46,
    rewrite: (bytes: Uint8Array) => {
      const { header, recipient, ...message } = parseEnvelope(bytes);
      const protectedBytes = encodeEnvelopeHeader(header);
      return encodeEncrypt({ ...message, protectedBytes, recipientProtectedBytes: encodeRecipientHeader(recipient) });
    },
  },
  {
    name: "key-order",
    parsed: 34,
    rewrite: (bytes: Uint8Array) => {
      const { header, ciphertext } = parseKeyOrder(bytes);
      return encodeEncrypt0({ protectedBytes: encodeKeyOrderHeader(header), ciphertext });
    },
  },
  {
    name: "returned",
    parsed: 50,
    rewrite: (bytes: Uint8Array) => {
      const { header, recipient, ...message } = parseReturned(bytes);
      const protectedBytes = encodeReturnedHeader(header);
      return encodeEncrypt({ ...message, protectedBytes, recipientProtectedBytes: encodeRecipientHeader(recipient) });
    },
  },
  {
    name: "signed",
    parsed: 280,
    rewrite: (bytes: Uint8Array) => {
      const { type, keyIdBytes, payload, signature } = parseSigned(bytes);
      return encodeSign1({ protectedBytes: encodeSignedHeader(type, keyIdBytes), payload, signature });
    },
  },
] as const;

describe.each(FILES)("$name vectors", ({ name, parsed, rewrite }) => {
  const cases = loadCases(name);
  const taken: string[] = [];

  it.each(cases)("$name", (vector) => {
    const bytes = bytesOf(vector, "bytesHex");
    let rewritten: Uint8Array;
    try {
      rewritten = rewrite(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      expect((error as ProtocolError).code).toBe(vector.expect);
      return;
    }
    expect(rewritten).toEqual(bytes);
    taken.push(vector.name);
  });

  it("are read or refused as many as there should be", () => {
    const { accepted, refused } = countCases(cases);
    expect(taken).toHaveLength(parsed);
    expect(accepted).toBeGreaterThan(3);
    expect(refused).toBeGreaterThan(60);
  });
});
