/** The module of a terminal's folder, of whichever suite its image is. Source: docs/format.md §11; docs/format-paper-2018.md §8. */
import type { RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { openTerminalModule, readAuthorisation } from "./module-folder.ts";
import type { PaperModule } from "./paper-module.ts";
import { hasPaperSecrets } from "./paper-secrets.ts";
import { openPaperTrsm } from "./paper-trsm.ts";
import { readProvision } from "./provision.ts";
import { recordingRefusals } from "./refusals.ts";
import type { SecureModule } from "./secure-module.ts";

/** A module of either suite; `suite` tells which. */
export type TerminalModule = SecureModule | PaperModule;

/** Opens the module of a deployed terminal. @throws {TrsmError} as {@link openTerminalModule} and {@link openPaperTrsm}. */
export function openModule(folder: Folder, random: RandomSource, nowUnixMs: () => number): TerminalModule {
  return hasPaperSecrets(folder)
    ? openPaperModule(folder, random, nowUnixMs)
    : openTerminalModule(folder, random, nowUnixMs);
}

/** Opens the module of a terminal that was deployed for suite paper-2018. @throws {TrsmError} as {@link openPaperTrsm}. */
export function openPaperModule(folder: Folder, random: RandomSource, nowUnixMs: () => number): PaperModule {
  const { tenant } = readProvision(folder);
  const authorisation = recordingRefusals(folder, nowUnixMs, () => readAuthorisation(folder));
  return openPaperTrsm({ folder, random, nowUnixMs }, authorisation, tenant);
}
