/**
 * A terminal's folder with its module: the authorisation value lies beside it, for a simulated one and for a TPM alike.
 *
 * Source: docs/format.md §11.3, §11.6.
 */
import type { RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { fromHex, toHex } from "@pericard/protocol";
import { AUTHORISATION_BYTES } from "./adapter.ts";
import { onDisk, TrsmError } from "./errors.ts";
import { readPlace, type TrsmPlace } from "./place.ts";
import { readProvision } from "./provision.ts";
import { recordingRefusals } from "./refusals.ts";
import type { SecureModule } from "./secure-module.ts";
import { createSoftTrsm } from "./soft.ts";
import { openTpmTools } from "./tpm-tools.ts";
import { createTpmTrsm } from "./tpm.ts";
import type { Trsm, TrsmPorts } from "./trsm.ts";

const AUTHORISATION_FILE = "trsm.authorisation";

/** Writes the authorisation value durably, as hexadecimal text. @param authorisation 16 to 64 bytes. */
export function writeAuthorisation(folder: Folder, authorisation: Uint8Array): void {
  onDisk(() => folder.replace(AUTHORISATION_FILE, new TextEncoder().encode(`${toHex(authorisation)}\n`)));
}

/** The authorisation value, 16 to 64 bytes. @throws {TrsmError} ERR_TRSM_AUTHORISATION when the file is missing or malformed. */
export function readAuthorisation(folder: Folder): Uint8Array {
  const bytes = onDisk(() => folder.read(AUTHORISATION_FILE));
  const text = bytes ? new TextDecoder().decode(bytes).trim() : "";
  const { min, max } = AUTHORISATION_BYTES;
  if (!new RegExp(`^([0-9a-f]{2}){${min},${max}}$`).test(text)) {
    throw new TrsmError("ERR_TRSM_AUTHORISATION", `${AUTHORISATION_FILE} is missing or malformed`);
  }
  return fromHex(text);
}

/** The module at a place, loaded or empty. */
export function openTrsm(ports: TrsmPorts, place: TrsmPlace): Trsm {
  if (place.kind === "soft") return createSoftTrsm(ports);
  return createTpmTrsm(ports, { memory: openTpmTools(place.tcti), index: place.index });
}

/**
 * Opens the module of a deployed terminal's folder.
 *
 * @param nowUnixMs time of a refusal that is recorded.
 * @throws {TrsmError} as {@link readProvision}, {@link readPlace}, {@link readAuthorisation} and {@link Trsm.open}.
 */
export function openTerminalModule(folder: Folder, random: RandomSource, nowUnixMs: () => number): SecureModule {
  const { tenant } = readProvision(folder);
  const authorisation = recordingRefusals(folder, nowUnixMs, () => readAuthorisation(folder));
  return openTrsm({ folder, random, nowUnixMs }, readPlace(folder)).open(authorisation, tenant);
}
