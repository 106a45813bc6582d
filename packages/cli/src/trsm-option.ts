/** Where the modules of deployed terminals lie, as the command line says it. */
import { isTrsmPlace, TPM_INDEX, type TrsmPlace } from "@pericard/trsm";
import { CliError } from "./errors.ts";

/** Options of a deployment. */
export interface TrsmOptions {
  readonly trsm: string;
  readonly tcti: string;
  readonly nvIndex: string;
}

/** The place of each module: in the folders, or two NV indices after each other in one TPM. @throws {CliError} ERR_USAGE. */
export function placesOf({ trsm, tcti, nvIndex }: TrsmOptions, count: number): readonly TrsmPlace[] {
  if (trsm === "soft") return Array.from({ length: count }, () => ({ kind: "soft" }));
  if (trsm !== "tpm") throw new CliError("ERR_USAGE", "--trsm is neither soft nor tpm");
  const first = /^(0x[0-9a-f]+|\d+)$/i.test(nvIndex) ? Number(nvIndex) : Number.NaN;
  const places = Array.from({ length: count }, (_, i) => ({ kind: "tpm", tcti, index: first + 2 * i }) as const);
  if (places.every(isTrsmPlace)) return places;
  const { min, max } = TPM_INDEX;
  const range = `0x${min.toString(16)} to 0x${max.toString(16)}`;
  throw new CliError(
    "ERR_USAGE",
    `--tcti or --nv-index is none of a TPM: device, tabrmd, swtpm or mssim; even, ${range}`,
  );
}
