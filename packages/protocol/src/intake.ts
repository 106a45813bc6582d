/**
 * Intakes: what a server gives a factory on another machine, so that terminals can be deployed there for it.
 *
 * Source: docs/format.md §7.9, §12.5.
 */
import { decodeCanonical, encodeCbor } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readArray, readBytes, readBytesUpTo, readInt, readTuple, readUnixMs } from "./fields.ts";
import { IntakeId, TenantId } from "./ids.ts";
import { FACTORY_NUMBER_MAX, STATEMENT_BYTES_MAX } from "./limits.ts";
import { statementKind } from "./statement-kind.ts";

/** Server to factory: deploy for this tenant, under this number, and seal what you hand over to this key. */
export interface Intake {
  readonly intake: IntakeId;
  readonly tenant: TenantId;
  /** 1 to 65535, of no other intake of the server: the first two bytes of the factory's serial numbers. */
  readonly factoryNumber: number;
  /** X25519, 32 bytes; of this intake alone. */
  readonly publicKey: Uint8Array;
  readonly madeAtUnixMs: number;
}

export const Intake = statementKind<Intake>(
  "intake",
  5,
  (intake) => [
    IntakeId.toBytes(intake.intake),
    TenantId.toBytes(intake.tenant),
    intake.factoryNumber,
    intake.publicKey,
    intake.madeAtUnixMs,
  ],
  (fields) => ({
    intake: IntakeId.fromBytes(fields[0]),
    tenant: TenantId.fromBytes(fields[1]),
    factoryNumber: readInt("factory number", fields[2], 1, FACTORY_NUMBER_MAX),
    publicKey: readBytes("public key", fields[3], 32),
    madeAtUnixMs: readUnixMs("made at", fields[4]),
  }),
);

/** The file that an operator carries to the factory. Nothing of it is verified. */
export interface IntakeFile {
  /** Signed key statements of the server, 1 to 8. */
  readonly statements: readonly Uint8Array[];
  /** The signed intake. */
  readonly signedIntake: Uint8Array;
}

const INTAKE_FILE = "pericard/intake-file";
const STATEMENTS_MAX = 8;
/** One key statement is about 250 bytes. */
const KEY_STATEMENT_BYTES_MAX = 4096;

/** The bytes of the file. @throws {ProtocolError} as {@link decodeIntakeFile}. */
export function encodeIntakeFile({ statements, signedIntake }: IntakeFile): Uint8Array {
  const bytes = encodeCbor([INTAKE_FILE, statements, signedIntake]);
  decodeIntakeFile(bytes);
  return bytes;
}

/** @throws {ProtocolError} ERR_LENGTH_LIMIT, ERR_CBOR_MALFORMED, ERR_TYPE_MISMATCH for another kind of file, ERR_FIELD_RANGE. */
export function decodeIntakeFile(bytes: Uint8Array): IntakeFile {
  const [name, statements, signedIntake] = readTuple("intake file", decodeCanonical(bytes, STATEMENT_BYTES_MAX), 3);
  if (name !== INTAKE_FILE) throw new ProtocolError("ERR_TYPE_MISMATCH", "file is not an intake");
  return {
    statements: readArray("statements", statements, 1, STATEMENTS_MAX).map((statement) =>
      readBytesUpTo("key statement", statement, KEY_STATEMENT_BYTES_MAX),
    ),
    signedIntake: readBytesUpTo("signed intake", signedIntake, STATEMENT_BYTES_MAX),
  };
}
