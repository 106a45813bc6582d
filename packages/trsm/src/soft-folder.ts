/**
 * A terminal's folder with a soft module: the authorisation value lies beside the sealed image.
 *
 * Source: docs/format.md §11.3.
 */
import type { RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { fromHex, toHex } from "@pericard/protocol";
import { TrsmError } from "./errors.ts";
import { readProvision } from "./provision.ts";
import type { SecureModule } from "./secure-module.ts";
import { openSoftTrsm } from "./soft.ts";

const AUTHORISATION_FILE = "trsm.authorisation";

/** Writes the authorisation value durably, as hexadecimal text. @param authorisation 16 to 64 bytes. */
export function writeAuthorisation(folder: Folder, authorisation: Uint8Array): void {
  folder.replace(AUTHORISATION_FILE, new TextEncoder().encode(`${toHex(authorisation)}\n`));
}

/** The authorisation value, 16 to 64 bytes. @throws {TrsmError} ERR_TRSM_AUTHORISATION when the file is missing or malformed. */
export function readAuthorisation(folder: Folder): Uint8Array {
  const bytes = folder.read(AUTHORISATION_FILE);
  const text = bytes ? new TextDecoder().decode(bytes).trim() : "";
  if (!/^([0-9a-f]{2}){16,64}$/.test(text)) {
    throw new TrsmError("ERR_TRSM_AUTHORISATION", `${AUTHORISATION_FILE} is missing or malformed`);
  }
  return fromHex(text);
}

/** Opens the module of a deployed terminal's folder. @throws {TrsmError} as {@link readProvision} and {@link openSoftTrsm}. */
export function openTerminalModule(folder: Folder, random: RandomSource): SecureModule {
  const { tenant } = readProvision(folder);
  return openSoftTrsm(folder, readAuthorisation(folder), tenant, random);
}
