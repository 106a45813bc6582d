/**
 * Intakes: made where the server is, believed at a factory on another machine when the server's root vouches for them.
 *
 * Source: docs/format.md §7.9, §12.5.
 */
import {
  CryptoError,
  ed25519Private,
  ed25519Public,
  equalSecrets,
  fingerprintOf,
  keyIdOf,
  signMessage,
  verifyMessage,
} from "@pericard/crypto";
import type { IntakeRecord, KeyStore, NewMembership } from "@pericard/custody";
import {
  decodeIntakeFile,
  encodeIntakeFile,
  equalBytes,
  Intake,
  KeyId,
  KeyStatement,
  parseSigned,
  ProtocolError,
  type KeyPurpose,
  type ParsedSigned,
  type TenantId,
} from "@pericard/protocol";
import { FactoryError } from "./errors.ts";

/** An intake as it goes to its factory. */
export interface MadeIntake {
  readonly intake: IntakeRecord;
  /** The file. It holds no secret. */
  readonly bytes: Uint8Array;
}

/**
 * Makes an intake of a tenant, durable in every copy of the key store before it is given away.
 *
 * @throws {FactoryError} ERR_FACTORY_JOINED when the store is a factory's itself; {CustodyError} ERR_INTAKE_LIMIT.
 */
export function makeIntake(store: KeyStore, tenant: TenantId, nowUnixMs: number): MadeIntake {
  if (store.handover.find()) {
    throw new FactoryError("ERR_FACTORY_JOINED", "folder is a factory's: intakes are made where the server is");
  }
  const [hpke] = store.serverKeys("hpke");
  const [receipt] = store.serverKeys("receipt");
  if (!hpke || !receipt) throw new FactoryError("ERR_INTAKE_UNTRUSTED", "installation lacks keys of its server");
  const intake = store.intakes.create(tenant, nowUnixMs);
  const { id, factoryNumber, publicKey } = intake;
  const payload = Intake.encode({ intake: id, tenant, factoryNumber, publicKey, madeAtUnixMs: nowUnixMs });
  const key = ed25519Private(receipt.privateBytes);
  const signedIntake = signMessage(key, "pericard/intake", KeyId.toBytes(receipt.keyId), payload);
  return { intake, bytes: encodeIntakeFile({ statements: [hpke.statement, receipt.statement], signedIntake }) };
}

/**
 * Reads an intake file and verifies it: key statements under the root that has the pin, the intake under the receipt key
 * that they name.
 *
 * @param rootPin 16 bytes, which the operator had from the server's operator and not from the file.
 * @throws {ProtocolError} when the file is malformed. @throws {FactoryError} ERR_INTAKE_UNTRUSTED.
 */
export function readIntake(bytes: Uint8Array, rootPin: Uint8Array, nowUnixMs: number): NewMembership {
  const { statements, signedIntake } = decodeIntakeFile(bytes);
  const vouched = statements.map((signed) => verifyStatement(signed, rootPin, nowUnixMs));
  const hpke = newestOf(vouched, "hpke");
  const receipt = newestOf(vouched, "receipt");
  const message = parseSigned(signedIntake);
  const { publicKey, rootPublicKey } = receipt.statement;
  requireSigned(message, "pericard/intake", publicKey);
  const { intake, tenant, factoryNumber, publicKey: intakeKey } = Intake.decode(message.payload);
  const { signed: hpkeStatement } = hpke;
  const { signed: receiptStatement } = receipt;
  return { id: intake, tenant, factoryNumber, intakeKey, rootPublicKey, hpkeStatement, receiptStatement };
}

interface Vouched {
  readonly statement: KeyStatement;
  readonly signed: Uint8Array;
}

function untrusted(what: string, cause?: unknown): never {
  throw new FactoryError("ERR_INTAKE_UNTRUSTED", what, { cause });
}

function verifyStatement(signed: Uint8Array, rootPin: Uint8Array, nowUnixMs: number): Vouched {
  const message = parseSigned(signed);
  const statement = message.type === "pericard/key-statement" ? KeyStatement.decode(message.payload) : undefined;
  if (!statement) return untrusted("intake file has another message where a key statement should be");
  if (!equalSecrets(fingerprintOf(statement.rootPublicKey), rootPin)) {
    return untrusted("intake is of another installation than the pin");
  }
  requireSigned(message, "pericard/key-statement", statement.rootPublicKey);
  if (nowUnixMs > statement.notAfterUnixMs) return untrusted(`server's ${statement.purpose} key has expired`);
  return { statement, signed };
}

function requireSigned(message: ParsedSigned, type: ParsedSigned["type"], publicKey: Uint8Array): void {
  const named = message.type === type && equalBytes(message.keyIdBytes, KeyId.toBytes(keyIdOf(publicKey)));
  if (!named) untrusted(`intake file has a message that is not ${type} under the key that is vouched for`);
  try {
    verifyMessage(ed25519Public(publicKey), message);
  } catch (cause) {
    if (!(cause instanceof CryptoError || cause instanceof ProtocolError)) throw cause;
    untrusted("signature in the intake file is not the server's", cause);
  }
}

function newestOf(vouched: readonly Vouched[], purpose: KeyPurpose): Vouched {
  const [newest] = vouched
    .filter(({ statement }) => statement.purpose === purpose)
    .toSorted((a, b) => b.statement.version - a.statement.version);
  return newest ?? untrusted(`intake file has no statement of the server's ${purpose} key`);
}
