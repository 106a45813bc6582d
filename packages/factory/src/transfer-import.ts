/**
 * Taking over: a factory's transfer is verified, opened, judged as a whole, and registered as a whole.
 *
 * All or nothing: a file that one terminal of is wrong comes from a factory that has a defect or is not itself, and none of
 * its terminals is to be believed before somebody looked. What is registered already, just as the file says, is no error:
 * the same file may be given again.
 *
 * Source: docs/format.md §12.6; paper A §II.F, G.
 */
import {
  deploymentProof,
  ed25519Public,
  equalSecrets,
  fingerprintOf,
  keyIdOf,
  openTransfer,
  sha256,
  verifyMessage,
} from "@pericard/crypto";
import { CustodyError, serialOf, type IntakeRecord, type KeyStore, type Terminal } from "@pericard/custody";
import {
  equalBytes,
  KeyId,
  parseSigned,
  parseTransfer,
  SUITE,
  toHex,
  type IntakeId,
  type ParsedSigned,
  type ParsedTransfer,
  type RoutingId,
  type TerminalId,
  type TransferContent,
  type TransferredTerminal,
} from "@pericard/protocol";
import { FactoryError } from "./errors.ts";
import { FirstKeys } from "./first-keys.ts";

/** What an import works with. Nobody else may register terminals meanwhile: the caller holds the factory's lock. */
export interface Importer {
  readonly store: KeyStore;
  readonly nowUnixMs: () => number;
}

/** One terminal of a transfer that was taken. */
export interface ImportedReport {
  readonly serial: TerminalId;
  readonly routing: RoutingId;
  readonly blockIndex: number;
  /** Whether this import registered it, or it was registered just so before. */
  readonly outcome: "added" | "known";
  readonly state: Terminal["state"];
}

/** A transfer that was taken. */
export interface ImportReport {
  readonly intake: IntakeId;
  readonly transferNumber: number;
  readonly added: number;
  readonly known: number;
  readonly terminals: readonly ImportedReport[];
}

/**
 * Takes a transfer: all of its terminals or none. Durable in every copy of the key store when it returns.
 *
 * @param accepted 16 bytes: fingerprint of the factory's key, which the operator had from the factory's operator and not
 * from the file. Needed with the first transfer of an intake, compared whenever it is given.
 * @throws {ProtocolError} when the file is malformed, is no transfer (ERR_TYPE_MISMATCH) or of another suite.
 * @throws {CryptoError} ERR_SIGNATURE_INVALID, ERR_SEAL_BROKEN, ERR_KEY_COMMITMENT or ERR_SHARED_SECRET.
 * @throws {FactoryError} ERR_INTAKE_UNKNOWN, ERR_FACTORY_UNKNOWN, ERR_TRANSFER_TENANT, ERR_TRANSFER_SERIAL,
 * ERR_TRANSFER_PROOF or ERR_TRANSFER_DUPLICATE.
 */
export function importTransfer(
  { store, nowUnixMs }: Importer,
  bytes: Uint8Array,
  accepted: Uint8Array | undefined,
): ImportReport {
  const message = parseSigned(bytes);
  if (message.type !== "pericard/transfer") {
    throw new FactoryError("ERR_TRANSFER_FORM", `file is a ${message.type}, not a transfer`);
  }
  const parsed = parseTransfer(message.payload);
  const intake = getIntake(store, parsed);
  verifyFactory(message, parsed, intake, accepted);
  const content = openTransfer(store.intakes.openKey(intake), parsed);
  const fresh = judge(store, intake, content);
  const { transferNumber, factoryKey } = parsed.header;
  const knownCount = content.terminals.length - fresh.length;
  const record = { transferNumber, hash: sha256(bytes), knownCount, atUnixMs: nowUnixMs() };
  store.intakes.take({ intake, factoryKey, terminals: fresh, record });
  const added = new Set(fresh.map(({ serial }) => serial));
  const terminals = content.terminals.map(({ serial, routing, blockIndex }): ImportedReport => {
    const outcome = added.has(serial) ? "added" : "known";
    return { serial, routing, blockIndex, outcome, state: store.getTerminal(serial).state };
  });
  return { intake: intake.id, transferNumber, added: added.size, known: knownCount, terminals };
}

function getIntake(store: KeyStore, { header, intakeKey }: ParsedTransfer): IntakeRecord {
  const intake = store.intakes.find(header.intake);
  if (intake && keyIdOf(intake.publicKey) === intakeKey) return intake;
  throw new FactoryError("ERR_INTAKE_UNKNOWN", "transfer is for an intake that this server did not make");
}

/** Only a key that an operator accepted is believed; the one in the file is merely what to compare with. */
function verifyFactory(
  message: ParsedSigned,
  { header: { factoryKey } }: ParsedTransfer,
  intake: IntakeRecord,
  accepted: Uint8Array | undefined,
): void {
  const isKept = intake.factoryKey === null ? accepted !== undefined : equalSecrets(intake.factoryKey, factoryKey);
  const isAccepted = accepted === undefined || equalSecrets(accepted, fingerprintOf(factoryKey));
  const isNamed = equalBytes(message.keyIdBytes, KeyId.toBytes(keyIdOf(factoryKey)));
  if (!isKept || !isAccepted || !isNamed) {
    throw new FactoryError("ERR_FACTORY_UNKNOWN", "transfer is not signed by the factory that was accepted");
  }
  verifyMessage(ed25519Public(factoryKey), message);
}

/** The terminals that are to be registered; nothing when any is wrong. */
function judge(store: KeyStore, intake: IntakeRecord, content: TransferContent): readonly TransferredTerminal[] {
  const { tenant, terminals } = content;
  if (tenant !== intake.tenant) {
    throw new FactoryError("ERR_TRANSFER_TENANT", "transfer is for another tenant than its intake");
  }
  for (const terminal of terminals) requireOwnProof(intake, terminal);
  requireDistinct("serial number", terminals, ({ serial }) => serial);
  requireDistinct("routing id", terminals, ({ routing }) => routing);
  requireDistinct("public key", terminals, ({ signPublicKey }) => toHex(signPublicKey));
  const fresh = terminals.filter((terminal) => !isRegistered(store, intake, terminal));
  requireNewKeys(store, fresh);
  return fresh;
}

function requireOwnProof({ tenant, factoryNumber }: IntakeRecord, terminal: TransferredTerminal): void {
  const { serial, blockIndex, block, signPublicKey, agreePublicKey, challenge, answer } = terminal;
  if (serial !== serialOf(factoryNumber, blockIndex)) {
    throw new FactoryError("ERR_TRANSFER_SERIAL", `serial number ${serial} is not one of the intake`);
  }
  const binding = { suite: SUITE.pericard1, tenant, terminal: serial };
  const wanted = deploymentProof(block, binding, { challenge, signPublicKey, agreePublicKey });
  if (equalSecrets(wanted, answer)) return;
  throw new FactoryError("ERR_TRANSFER_PROOF", `terminal ${serial} did not prove the block and keys that came with it`);
}

function duplicate(what: string): never {
  throw new FactoryError("ERR_TRANSFER_DUPLICATE", what);
}

function requireDistinct(
  name: string,
  terminals: readonly TransferredTerminal[],
  valueOf: (terminal: TransferredTerminal) => string,
): void {
  if (new Set(terminals.map(valueOf)).size !== terminals.length) duplicate(`${name} stands in the transfer twice`);
}

/** Whether a terminal is registered just so. @throws {FactoryError} ERR_TRANSFER_DUPLICATE when anything is another's. */
function isRegistered(store: KeyStore, intake: IntakeRecord, terminal: TransferredTerminal): boolean {
  const { serial, routing } = terminal;
  const known = findTerminal(store, serial);
  if (known) {
    if (isSame(store, intake, known, terminal)) return true;
    duplicate(`serial number ${serial} is registered with other keys`);
  }
  if (store.findTerminalByRouting(routing)) duplicate(`routing id of terminal ${serial} is another terminal's`);
  return false;
}

function isSame(store: KeyStore, intake: IntakeRecord, known: Terminal, terminal: TransferredTerminal): boolean {
  const { signPublicKey, agreePublicKey } = known;
  if (known.tenant !== intake.tenant || known.suite !== SUITE.pericard1 || known.routing !== terminal.routing) {
    return false;
  }
  return (
    signPublicKey !== null &&
    agreePublicKey !== null &&
    equalBytes(signPublicKey, terminal.signPublicKey) &&
    equalBytes(agreePublicKey, terminal.agreePublicKey) &&
    equalSecrets(store.openBlock(known.serial), terminal.block)
  );
}

function findTerminal(store: KeyStore, serial: TerminalId): Terminal | undefined {
  try {
    return store.getTerminal(serial);
  } catch (error) {
    if (error instanceof CustodyError && error.code === "ERR_TERMINAL_UNKNOWN") return undefined;
    throw error;
  }
}

/**
 * No block and no signing key is another terminal's, here or in the file. Of blocks it compares first keys, as the master
 * sequence does.
 */
function requireNewKeys(store: KeyStore, fresh: readonly TransferredTerminal[]): void {
  const firstKeys = new FirstKeys(fresh.length);
  for (const { serial, block } of fresh) {
    if (!firstKeys.addAll(block)) duplicate(`block of terminal ${serial} stands in the transfer twice`);
  }
  if (fresh.length === 0) return;
  const signKeys = new Set(fresh.map(({ signPublicKey }) => toHex(signPublicKey)));
  for (const { serial, block, signPublicKey } of store.intakes.secrets()) {
    if (firstKeys.has(block)) duplicate(`block of terminal ${serial} stands in the transfer for another`);
    if (signPublicKey && signKeys.has(toHex(signPublicKey))) {
      duplicate(`public key of terminal ${serial} stands in the transfer for another`);
    }
  }
}
