/**
 * A simulated module with its counters in reach: for a simulation of years, which takes more uses than it can seal.
 *
 * Source: docs/format.md §11.2, §11.3.
 */
import type { RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import { SUITE } from "@pericard/protocol";
import { openImage } from "./adapter.ts";
import type { Counters } from "./counters.ts";
import { TrsmError } from "./errors.ts";
import { createKeyedModule } from "./keyed-module.ts";
import { readAuthorisation } from "./module-folder.ts";
import { readProvision } from "./provision.ts";
import type { SecureModule } from "./secure-module.ts";
import { softCell } from "./soft.ts";

/** A module, and the counters that it counts with. Neither gives a key. */
export interface CountedModule {
  readonly module: SecureModule;
  /** Takes the use that the module's next segment would have had. */
  readonly counters: Pick<Counters, "takeUse">;
}

/** Opens the simulated module of a deployed terminal. @throws {TrsmError} as {@link openTerminalModule}. */
export function openCountedModule(folder: Folder, random: RandomSource): CountedModule {
  const { tenant } = readProvision(folder);
  const { image, counters } = openImage(softCell(folder, random), readAuthorisation(folder));
  if (image.suite === SUITE.pericard1) return { module: createKeyedModule(image, tenant, counters, random), counters };
  throw new TrsmError("ERR_TRSM_IMAGE_FORMAT", "image is of suite paper-2018, which counts no uses of this kind");
}
