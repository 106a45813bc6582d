import { toHex, fromHex } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

/** One organisation: 16 random bytes as 32 hexadecimal characters. */
export type TenantId = Id<"tenant">;
/** A terminal's serial number: 6 bytes as 12 hexadecimal characters. */
export type TerminalId = Id<"terminal">;
/** What a terminal shows the path instead of its serial number: 8 random bytes as 16 hexadecimal characters. */
export type RoutingId = Id<"routing">;
/** One continuous acquisition: 16 random bytes as 32 hexadecimal characters. */
export type RecordingId = Id<"recording">;
/** A person, known to the server alone: 16 random bytes as 32 hexadecimal characters. */
export type PatientId = Id<"patient">;
/** One signed upload: 16 random bytes as 32 hexadecimal characters. */
export type EnvelopeId = Id<"envelope">;
/** One start of a terminal: 8 random bytes as 16 hexadecimal characters. */
export type BootId = Id<"boot">;
/** A server key: the first 8 bytes of SHA-256 of its public key, as 16 hexadecimal characters. */
export type KeyId = Id<"key">;

/** What a server made for one factory: 16 random bytes as 32 hexadecimal characters. */
export type IntakeId = Id<"intake">;

/** One act of erasing: 16 random bytes as 32 hexadecimal characters. */
export type ErasureId = Id<"erasure">;

/** How one kind of id looks as bytes and as text. */
export interface IdKind<T extends string> {
  readonly name: string;
  readonly sizeBytes: number;
  /** @throws {ProtocolError} ERR_FIELD_RANGE when the value is not `sizeBytes` bytes. */
  fromBytes(value: unknown): T;
  /** @throws {ProtocolError} ERR_FIELD_RANGE when the text is not `2 * sizeBytes` lower-case hexadecimal characters. */
  parse(text: string): T;
  toBytes(id: T): Uint8Array;
}

function idKind<T extends string>(name: string, sizeBytes: number): IdKind<T> {
  const pattern = new RegExp(`^[0-9a-f]{${2 * sizeBytes}}$`);
  const refuse = (): never => {
    throw new ProtocolError("ERR_FIELD_RANGE", `${name} id is not ${sizeBytes} bytes`);
  };
  return {
    name,
    sizeBytes,
    fromBytes: (value) => (value instanceof Uint8Array && value.length === sizeBytes ? (toHex(value) as T) : refuse()),
    parse: (text) => (pattern.test(text) ? (text as T) : refuse()),
    toBytes: (id) => fromHex(id),
  };
}

export const TenantId = idKind<TenantId>("tenant", 16);
export const TerminalId = idKind<TerminalId>("terminal", 6);
export const RoutingId = idKind<RoutingId>("routing", 8);
export const RecordingId = idKind<RecordingId>("recording", 16);
export const PatientId = idKind<PatientId>("patient", 16);
export const EnvelopeId = idKind<EnvelopeId>("envelope", 16);
export const BootId = idKind<BootId>("boot", 8);
export const KeyId = idKind<KeyId>("key", 8);
export const IntakeId = idKind<IntakeId>("intake", 16);
export const ErasureId = idKind<ErasureId>("erasure", 16);
