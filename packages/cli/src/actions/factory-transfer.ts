/** A factory on another machine than its server: intakes, and terminals that are handed over. */
import { fingerprintOf, systemRandom } from "@pericard/crypto";
import { createFactoryInstallation, type JoinedIntake, type NewMembership } from "@pericard/custody";
import {
  countTransfers,
  getJoinedIntake,
  importTransfer,
  makeIntake,
  makeTransfer,
  markTransfer,
  readIntake,
  remakeTransfer,
  type Transfer,
} from "@pericard/factory";
import { lockFolder, openDiskFolder } from "@pericard/framelog";
import { fromHex, STATEMENT_BYTES_MAX, toHex, TRANSFER_BYTES_MAX, UINT32_MAX } from "@pericard/protocol";
import { configOf, defaultSettings, findSettings, keyFolderPaths, writeSettings } from "@pericard/server";
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join as joinPath } from "node:path";
import { CliError } from "../errors.ts";
import { readPassphrase, withData, type InstallationOptions } from "../installation.ts";
import { bar, outputFor, table } from "../output.ts";
import { tenantOf } from "../suite-option.ts";
import { numberOption } from "../terminal-source.ts";
import { SEQUENCE_FOLDER, withFactory } from "./factory.ts";

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

/** Fingerprints as people compare them: 32 hexadecimal characters in groups of four. */
function fingerprintText(fingerprint: Uint8Array): string {
  return (toHex(fingerprint).match(/.{4}/g) ?? []).join("-");
}

/** @throws {CliError} ERR_USAGE unless it is 32 hexadecimal characters; spaces, hyphens and case do not matter. */
function readFingerprint(name: string, text: string): Uint8Array {
  const hex = text.replaceAll(/[\s:-]/g, "").toLowerCase();
  if (/^[0-9a-f]{32}$/.test(hex)) return fromHex(hex);
  throw new CliError("ERR_USAGE", `--${name}: expected 32 hexadecimal characters`);
}

/** @throws {CliError} ERR_USAGE when there is no such file, or a larger one than any of its kind. */
function readBounded(path: string, sizeBytesMax: number): Uint8Array {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() && stats.size <= sizeBytesMax) return new Uint8Array(readFileSync(path));
  throw new CliError("ERR_USAGE", `${path} is no file of at most ${sizeBytesMax} bytes`);
}

/** Makes an intake, and says the pin that the factory's operator has to hear. */
export async function intake(options: Options & { out: string; tenant?: string }): Promise<void> {
  const made = await withFactory(options, ({ store }, opened) => {
    const { intake: record, bytes } = makeIntake(store, tenantOf(opened, options.tenant), Date.now());
    openDiskFolder(dirname(options.out)).replace(basename(options.out), bytes);
    return { ...record, pin: fingerprintText(fingerprintOf(store.rootPublicKey)) };
  });
  const { id, tenant, factoryNumber, pin } = made;
  outputFor(options).result({ intake: id, tenant, factoryNumber, pin, file: options.out }, [
    `intake ${id} is in ${options.out}`,
    `pin of this installation: ${pin}`,
    "give the file to the factory, and read the pin to its operator another way",
  ]);
}

/** Lists intakes and the transfers that came. */
export async function intakes(options: Options): Promise<void> {
  const { records, imports } = await withData(options, ({ store }) => ({
    records: store.intakes.list(),
    imports: store.intakes.imports(),
  }));
  const listed = records.map(({ id, tenant, factoryNumber, factoryKey }) => ({
    intake: id,
    tenant,
    factoryNumber,
    factory: factoryKey && fingerprintText(fingerprintOf(factoryKey)),
    imports: imports
      .filter(({ intake: of }) => of === id)
      .map(({ hash, intake: _of, ...one }) => ({ ...one, hashHex: toHex(hash) })),
  }));
  const rows = listed.map(({ intake: id, factoryNumber, factory, imports: taken }) => [
    id,
    String(factoryNumber),
    factory ?? "-",
    String(taken.reduce((sum, { addedCount }) => sum + addedCount, 0)),
    [...new Set(taken.map(({ transferNumber }) => transferNumber))].join(", "),
  ]);
  outputFor(options).result(
    { intakes: listed },
    table(["intake", "number", "factory", "terminals", "transfers"], rows),
  );
}

/** Alone: a set-up removes what another one left unfinished. */
function setUp(dataPath: string, passphrase: Uint8Array, membership: NewMembership): JoinedIntake {
  const lock = lockFolder(joinPath(dataPath, SEQUENCE_FOLDER));
  try {
    const known = findSettings(dataPath);
    const settings = known ?? defaultSettings([]);
    if (!known) writeSettings(dataPath, settings);
    return createFactoryInstallation({
      keyFolderPaths: keyFolderPaths(configOf(dataPath, settings, undefined)),
      passphrase,
      membership,
      nowUnixMs: Date.now(),
      random: systemRandom,
    });
  } finally {
    lock.release();
  }
}

/** Sets the factory of an intake up, and says the fingerprint that the server's operator has to hear. */
export function join(path: string, options: Options & { pin: string }): void {
  const rootPin = readFingerprint("pin", options.pin);
  const membership = readIntake(readBounded(path, STATEMENT_BYTES_MAX), rootPin, Date.now());
  const passphrase = readPassphrase(options);
  const joined = setUp(options.data, passphrase, membership);
  const { id, tenant, factoryNumber, factoryKey } = joined;
  const fingerprint = fingerprintText(fingerprintOf(factoryKey));
  outputFor(options).result({ intake: id, tenant, factoryNumber, fingerprint }, [
    `factory of intake ${id} is set up in ${options.data}`,
    `fingerprint of this factory: ${fingerprint}`,
    "read it to the server's operator, who gives it with --accept to the first import",
  ]);
}

/** Writes what is to be handed over into files: durable before the terminals count as handed over. */
export async function exportTerminals(options: Options & { out: string; transfer?: string }): Promise<void> {
  const output = outputFor(options);
  const { transfer } = options;
  const again = transfer === undefined ? undefined : numberOption("transfer", transfer, 1, UINT32_MAX);
  const files = await withFactory(options, (factory) => {
    const { id } = getJoinedIntake(factory.store);
    const folder = openDiskFolder(options.out);
    const write = (made: Transfer) => {
      const { transferNumber, serials, bytes } = made;
      const name = `transfer-${id.slice(0, 8)}-${String(transferNumber).padStart(6, "0")}.sealed`;
      folder.replace(name, bytes);
      markTransfer(factory, made);
      return {
        transfer: transferNumber,
        file: joinPath(options.out, name),
        sizeBytes: bytes.length,
        terminals: serials,
      };
    };
    if (again !== undefined) return [write(remakeTransfer(factory, again))];
    const count = Math.max(1, countTransfers(factory.store));
    return Array.from({ length: count }, (_, i) => {
      output.progress(`sealing transfers ${bar(i, count)}`);
      return write(makeTransfer(factory));
    });
  });
  const rows = files.map((one) => [String(one.transfer), String(one.terminals.length), one.file]);
  output.result({ transfers: files }, table(["transfer", "terminals", "file"], rows));
}

/** Registers the terminals of one file, all or none. */
export async function importTerminals(path: string, options: Options & { accept?: string }): Promise<void> {
  const accepted = options.accept === undefined ? undefined : readFingerprint("accept", options.accept);
  const bytes = readBounded(path, TRANSFER_BYTES_MAX);
  const report = await withFactory(options, (factory) => importTransfer(factory, bytes, accepted));
  const { added, known, transferNumber, terminals } = report;
  const rows = terminals.map(({ serial, outcome, state, routing }) => [serial, outcome, state, routing]);
  outputFor(options).result(report, [
    ...table(["terminal", "outcome", "state", "routing id"], rows),
    `transfer ${transferNumber}: ${added} terminals registered, ${known} were registered before`,
  ]);
}
