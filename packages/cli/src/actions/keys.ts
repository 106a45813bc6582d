/** Change of the key-encryption key. */
import { systemRandom } from "@pericard/crypto";
import {
  openKek,
  readPassphraseFile,
  rotateKek,
  type KekSecret,
  type KeyStorePlace,
  type NextCustody,
} from "@pericard/custody";
import { lockFolder } from "@pericard/framelog";
import { keyStorePlace } from "@pericard/server";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { findConfig, readSecret, type InstallationOptions } from "../installation.ts";
import { outputFor } from "../output.ts";
import { SEQUENCE_FOLDER } from "./factory.ts";

interface RotateOptions extends InstallationOptions {
  readonly newPassphraseFile?: string;
  readonly token?: string;
  readonly pinFile?: string;
  readonly pkcs11Module?: string;
  readonly json?: boolean;
}

/** Who is to hold the next key: as the options say, else who holds the present one. */
function nextCustody(options: RotateOptions, keyStore: KeyStorePlace, secret: KekSecret): NextCustody {
  const { newPassphraseFile, token, pinFile, data } = options;
  if (newPassphraseFile !== undefined && token !== undefined) {
    throw new CliError("ERR_USAGE", "--new-passphrase-file and --token exclude each other");
  }
  if (newPassphraseFile !== undefined) {
    return { kind: "passphrase", passphrase: readPassphraseFile(newPassphraseFile, data) };
  }
  if (token === undefined) return presentCustody(keyStore, secret);
  if (pinFile === undefined || secret.modulePath === undefined) {
    throw new CliError("ERR_USAGE", "--token needs --pin-file, and --pkcs11-module or PERICARD_PKCS11_MODULE");
  }
  const pin = readPassphraseFile(pinFile, data);
  return { kind: "token", door: { modulePath: secret.modulePath, tokenLabel: token, pin } };
}

function presentCustody(keyStore: KeyStorePlace, secret: KekSecret): NextCustody {
  const access = openKek(keyStore, secret, systemRandom);
  if (access instanceof Uint8Array) return { kind: "passphrase", passphrase: secret.secret };
  return { kind: "token", door: access };
}

/** Changes the key-encryption key while nobody else has the key store open. */
export function rotate(options: RotateOptions): void {
  const config = findConfig(options);
  const keyStore = keyStorePlace(config);
  const present = readSecret(options);
  const secret = { ...present, modulePath: options.pkcs11Module ?? present.modulePath };
  const locks = [config.dataPath, join(options.data, SEQUENCE_FOLDER)].map(lockFolder);
  try {
    const next = nextCustody(options, keyStore, secret);
    const { rewrapped } = rotateKek({ keyStore, secret, next, random: systemRandom });
    const holder = next.kind === "token" ? `token ${next.door.tokenLabel}` : "a passphrase";
    outputFor(options).result({ custody: next.kind, rewrapped }, [
      `key-encryption key changed: ${rewrapped} keys sealed anew, held by ${holder}`,
    ]);
  } finally {
    for (const lock of locks) lock.release();
  }
}
