/** Verifying a certificate of erasure, with nothing but the pin of the installation's root key. Source: docs/format.md §12.9. */
import { ed25519Public, keyIdOf, sha256, verifyMessage } from "@pericard/crypto";
import {
  equalBytes,
  ErasureCertificate,
  fromHex,
  KeyId,
  KeyStatement,
  parseSigned,
  type ErasedRecording,
} from "@pericard/protocol";
import { ServerError } from "../errors.ts";
import { describeCertificate, type CertificateFile } from "./certificate.ts";

const PIN_BYTES = 16;
const TEXT_LENGTH_MAX = 64 * 1024 * 1024;
const PARTS_MAX = 65_535;

/** A certificate that holds. Its summary is made from the signed parts, never taken from the file. */
export interface VerifiedCertificate extends CertificateFile {
  readonly recordings: readonly ErasedRecording[];
}

function refuse(message: string, cause?: unknown): never {
  throw new ServerError("ERR_CERTIFICATE_INVALID", message, { cause });
}

function parseFile(text: string): Pick<CertificateFile, "signed" | "keyStatement"> {
  if (text.length > TEXT_LENGTH_MAX) refuse("file is too long to be a certificate");
  const value = JSON.parse(text) as Partial<Record<keyof CertificateFile, unknown>> | null;
  const { format, version, signed, keyStatement } = value ?? {};
  const isOurs = format === "pericard/erasure-certificate" && version === 1 && typeof keyStatement === "string";
  if (!isOurs || !Array.isArray(signed) || signed.length === 0 || signed.length > PARTS_MAX) {
    return refuse("file is not a certificate of erasure");
  }
  return { signed: signed.map(String), keyStatement };
}

/** The receipt key that the root vouches for. */
function keyOf(statementHex: string, pinHex: string): Uint8Array {
  const message = parseSigned(fromHex(statementHex));
  const { rootPublicKey, purpose, publicKey } = KeyStatement.decode(message.payload);
  const pin = sha256(rootPublicKey).subarray(0, PIN_BYTES);
  if (message.type !== "pericard/key-statement" || purpose !== "receipt" || !equalBytes(pin, fromHex(pinHex))) {
    refuse("the key that signed it is not vouched for by the root of that pin");
  }
  verifyMessage(ed25519Public(rootPublicKey), message);
  return publicKey;
}

function partOf(signedHex: string, publicKey: Uint8Array): ErasureCertificate {
  const message = parseSigned(fromHex(signedHex));
  const isByKey = KeyId.fromBytes(message.keyIdBytes) === keyIdOf(publicKey);
  if (message.type !== "pericard/erasure" || !isByKey) refuse("a part is not signed as a certificate");
  verifyMessage(ed25519Public(publicKey), message);
  return ErasureCertificate.decode(message.payload);
}

/** All parts of one erasure, each once and in order. */
function requireWhole(parts: readonly ErasureCertificate[]): ErasureCertificate {
  const [first] = parts;
  const isWhole = parts.every(
    (part, i) => part.part === i + 1 && part.partCount === parts.length && part.erasure === first?.erasure,
  );
  return first && isWhole ? first : refuse("parts are missing, or are of several erasures");
}

/**
 * Verifies a certificate.
 *
 * @param text the file.
 * @param pin 32 hexadecimal characters, from the installation's operator and not from the file.
 * @throws {ServerError} ERR_CERTIFICATE_INVALID.
 */
export function verifyCertificateFile(text: string, pin: string): VerifiedCertificate {
  if (!/^[0-9a-f]{32}$/.test(pin)) refuse("pin is not 32 lower-case hexadecimal characters");
  try {
    const { signed, keyStatement } = parseFile(text);
    const publicKey = keyOf(keyStatement, pin);
    const parts = signed.map((one) => partOf(one, publicKey));
    const first = requireWhole(parts);
    const recordings = parts.flatMap((part) => part.recordings);
    return { ...describeCertificate(first, recordings, signed.map(fromHex), fromHex(keyStatement)), recordings };
  } catch (cause) {
    if (cause instanceof ServerError) throw cause;
    return refuse("certificate is not what it should be, or was changed", cause);
  }
}
