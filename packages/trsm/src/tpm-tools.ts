/**
 * A TPM 2.0's non-volatile memory through tpm2-tools, one child process a call (about 10 ms on a simulated TPM).
 *
 * Secrets go through standard input, never through arguments or files. The tools cut reads and writes into pieces of the
 * size that the TPM names (TPM_PT_NV_BUFFER_MAX).
 *
 * Source: TPM 2.0 Library specification, part 2 §6.6 (response codes), §13.4 (TPMA_NV); tpm2-tools 5.4.
 */
import { spawnSync } from "node:child_process";
import { toHex, utf8 } from "@pericard/protocol";
import { TrsmError } from "./errors.ts";
import { TRSM_IMAGE_BYTES } from "./image.ts";
import type { NvIndex, NvPurpose, TpmMemory } from "./nv-index.ts";

const TOOL_MS_MAX = 30_000;
const OUTPUT_BYTES_MAX = 64 * 1024;
/** Ways to a TPM. Others of tpm2-tss load libraries or run commands that their text names. */
const TCTI = /^(device|tabrmd|swtpm|mssim)(:[A-Za-z0-9_=.,:/-]*)?$/;

/** Bits of TPMA_NV. */
const ATTRIBUTE = {
  ownerWrite: 1 << 1,
  authWrite: 1 << 2,
  typeCounter: 1 << 4,
  writeLocked: 1 << 11,
  writeDefine: 1 << 13,
  authRead: 1 << 18,
  noDa: 1 << 25,
  written: 1 << 29,
} as const;

/** Attributes that change in an index's life. */
const CHANGING = ATTRIBUTE.writeLocked | ATTRIBUTE.written;

interface Shape {
  readonly sizeBytes: number;
  readonly attributes: number;
  /** The same for tpm2_nvdefine. */
  readonly words: string;
}

/** A guess at 128 bits and more needs no lock-out, which would let anybody lock the terminal out: hence no_da. */
const SHAPE: Readonly<Record<NvPurpose, Shape>> = {
  image: {
    sizeBytes: TRSM_IMAGE_BYTES,
    attributes: ATTRIBUTE.ownerWrite | ATTRIBUTE.writeDefine | ATTRIBUTE.authRead | ATTRIBUTE.noDa,
    words: "ownerwrite|writedefine|authread|no_da",
  },
  counter: {
    sizeBytes: 8,
    attributes: ATTRIBUTE.authWrite | ATTRIBUTE.typeCounter | ATTRIBUTE.authRead | ATTRIBUTE.noDa,
    words: "nt=counter|authwrite|authread|no_da",
  },
};

/** Whether a text names a way to a TPM that {@link openTpmTools} takes. */
export function isTcti(text: string): boolean {
  return TCTI.test(text);
}

/**
 * The memory of one TPM. Its owner hierarchy must have no password while a module is loaded.
 *
 * @param tcti where it is, e.g. `device:/dev/tpmrm0` or `swtpm:host=127.0.0.1,port=2321`.
 * @throws {RangeError} for a way that is none of device, tabrmd, swtpm and mssim.
 */
export function openTpmTools(tcti: string): TpmMemory {
  if (!isTcti(tcti)) throw new RangeError(`tcti: expected device, tabrmd, swtpm or mssim, got ${tcti}`);
  const run = (tool: string, args: readonly string[], input?: Uint8Array): Uint8Array =>
    runTool(tool, [...args, "-T", tcti], input);
  return {
    find: (index) => {
      // tpm2_nvreadpublic of an index that is not there ends with a segmentation fault.
      const handles = textOf(run("tpm2_getcap", ["handles-nv-index"]))
        .toLowerCase()
        .split(/\s+/);
      if (!handles.includes(hexOf(index))) return undefined;
      return parseIndex(textOf(run("tpm2_nvreadpublic", [hexOf(index)])));
    },
    define: (index, purpose, authorisation) => {
      const { sizeBytes, words } = SHAPE[purpose];
      const size = purpose === "counter" ? [] : ["-s", String(sizeBytes)];
      run("tpm2_nvdefine", [hexOf(index), "-C", "o", ...size, "-a", words, "-p", "file:-"], secretOf(authorisation));
    },
    undefine: (index) => void run("tpm2_nvundefine", [hexOf(index), "-C", "o"]),
    write: (index, bytes) => void run("tpm2_nvwrite", [hexOf(index), "-C", "o", "-i", "-"], bytes),
    lock: (index) => void run("tpm2_nvwritelock", [hexOf(index), "-C", "o"]),
    read: (index, sizeBytes, authorisation) => {
      const bytes = run(
        "tpm2_nvread",
        [hexOf(index), "-C", hexOf(index), "-s", String(sizeBytes), "-P", "file:-"],
        secretOf(authorisation),
      );
      if (bytes.length === sizeBytes) return bytes;
      throw new TrsmError("ERR_TRSM_TPM", `TPM gave ${bytes.length} bytes of ${sizeBytes}`);
    },
    increment: (index, authorisation) =>
      void run("tpm2_nvincrement", [hexOf(index), "-C", hexOf(index), "-P", "file:-"], secretOf(authorisation)),
  };
}

function hexOf(index: number): string {
  return `0x${index.toString(16)}`;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** An authorisation value as the tools read it. */
function secretOf(authorisation: Uint8Array): Uint8Array {
  return utf8(`hex:${toHex(authorisation)}`);
}

/** What tpm2_nvreadpublic prints of one index. */
function parseIndex(text: string): NvIndex {
  const attributes = Number(/attributes:[^]*?value: (0x[0-9a-f]+)/i.exec(text)?.[1]);
  const sizeBytes = Number(/size: (\d+)/.exec(text)?.[1]);
  if (!Number.isInteger(attributes) || !Number.isInteger(sizeBytes)) {
    throw new TrsmError("ERR_TRSM_TPM", "tpm2_nvreadpublic says something unknown");
  }
  const fixed = attributes & ~CHANGING;
  const purpose = (["image", "counter"] as const).find(
    (one) => SHAPE[one].attributes === fixed && SHAPE[one].sizeBytes === sizeBytes,
  );
  return { purpose: purpose ?? "other", writeLocked: (attributes & ATTRIBUTE.writeLocked) !== 0 };
}

function runTool(tool: string, args: readonly string[], input: Uint8Array | undefined): Uint8Array {
  const { error, status, signal, stdout, stderr } = spawnSync(tool, args, {
    input: input ?? new Uint8Array(0),
    timeout: TOOL_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
    throw new TrsmError("ERR_TRSM_TPM", `${tool} is not installed: apt-get install tpm2-tools`, { cause: error });
  }
  if (error) throw new TrsmError("ERR_TRSM_TPM", `${tool} did not end as it should`, { cause: error });
  if (status === 0) return new Uint8Array(stdout);
  throw toolError(tool, String(signal ?? status), stderr.toString("utf8"));
}

/** Format 1 of a response code: bit 7, the error in bits 0 to 5. */
const FORMAT_1 = 0x80;
const AUTH_FAIL = 0x0e;
const BAD_AUTH = 0x22;

function toolError(tool: string, ended: string, said: string): TrsmError {
  const code = Number([...said.matchAll(/\((0x[0-9a-f]+)\)/gi)].at(-1)?.[1] ?? 0);
  const isAuthorisation = (code & FORMAT_1) !== 0 && [AUTH_FAIL, BAD_AUTH].includes(code & 0x3f) && code <= 0xfff;
  if (isAuthorisation) return new TrsmError("ERR_TRSM_AUTHORISATION", "TPM refuses the authorisation");
  const what = code === 0 ? `ended with ${ended}` : `got response code 0x${code.toString(16)}`;
  return new TrsmError("ERR_TRSM_TPM", `${tool} ${what}`);
}
