/** `pericard keys list`, `rotate` and `prune`: the server's keys, which terminals believe for the root's sake. */
import { openRootKey, readPassphraseFile, type RootKey, type ServerKeyRecord } from "@pericard/custody";
import { KEY_PURPOSES, toHex, type KeyPurpose } from "@pericard/protocol";
import { readFileSync } from "node:fs";
import { CliError } from "../errors.ts";
import { withData, type InstallationOptions } from "../installation.ts";
import { outputFor, table } from "../output.ts";
import { numberOption } from "../terminal-source.ts";

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

interface RotateOptions extends Options {
  readonly rootFile: string;
  readonly rootPassphraseFile: string;
  readonly versionMin?: string;
}

const VERSION_MAX = 2 ** 32 - 1;

export async function list(options: Options): Promise<void> {
  const keys = await withData(options, ({ store }) => store.identity.records());
  outputFor(options).result({ keys: keys.map(described) }, table(HEAD, keys.map(rowOf)));
}

/** Has the root vouch for the next key of a purpose. Running servers take it up by themselves. */
export async function rotate(purpose: string, options: RotateOptions): Promise<void> {
  const wanted = readPurpose(purpose);
  const root = readRoot(options);
  const versionMin =
    options.versionMin === undefined ? 1 : Math.ceil(numberOption("version-min", options.versionMin, 1, VERSION_MAX));
  const { keyId, version } = await withData(options, ({ store }) =>
    store.identity.rotate(root, wanted, Date.now(), versionMin),
  );
  outputFor(options).result({ purpose: wanted, version, keyId }, [
    `${wanted} key ${version} is ${keyId}: running servers take it up within seconds`,
    "take the root key off this machine again",
  ]);
}

export async function prune(options: Options): Promise<void> {
  const destroyed = await withData(options, ({ store }) => store.identity.destroyRetired(Date.now()));
  const lines = destroyed.map(({ purpose, version, keyId }) => `${purpose} key ${version} (${keyId}) is destroyed`);
  outputFor(options).result({ destroyed: destroyed.map(described) }, lines.length > 0 ? lines : ["no key is due"]);
}

function readPurpose(text: string): KeyPurpose {
  const purpose = KEY_PURPOSES.find((known) => known === text);
  if (purpose) return purpose;
  throw new CliError("ERR_USAGE", `purpose: expected ${KEY_PURPOSES.join(" or ")}`);
}

function readRoot({ rootFile, rootPassphraseFile }: RotateOptions): RootKey {
  let file: Uint8Array;
  try {
    file = new Uint8Array(readFileSync(rootFile));
  } catch (cause) {
    throw new CliError("ERR_USAGE", `root key ${rootFile} cannot be read`, { cause });
  }
  return openRootKey(readPassphraseFile(rootPassphraseFile, undefined), file);
}

function described({ publicBytes, ...rest }: ServerKeyRecord) {
  return { ...rest, publicKey: toHex(publicBytes) };
}

const HEAD = ["purpose", "version", "state", "key", "from", "opens until"];

function rowOf({ purpose, version, state, keyId, notBeforeUnixMs, opensUntilUnixMs }: ServerKeyRecord) {
  return [purpose, String(version), state, keyId, dayOf(notBeforeUnixMs), dayOf(opensUntilUnixMs)];
}

function dayOf(unixMs: number | null): string {
  return unixMs === null ? "-" : new Date(unixMs).toISOString().slice(0, 10);
}
