/** `pericard terminal targets`: where a terminal uploads to, in order of preference. */
import { lockFolder, openDiskFolder } from "@pericard/framelog";
import { parseTarget, readProvision, writeProvision, type UploadTarget } from "@pericard/trsm";
import { CliError } from "../errors.ts";
import { outputFor } from "../output.ts";
import { readSecret } from "../secret-file.ts";

interface TargetsOptions {
  readonly data: string;
  readonly target?: readonly string[];
  readonly tokenFile?: readonly string[];
  readonly json?: boolean;
}

function targetOf(url: string, tokenFile: string): UploadTarget {
  const token = readSecret(tokenFile);
  if (token === "") throw new CliError("ERR_USAGE", `${tokenFile} holds no token`);
  try {
    return parseTarget({ url, token });
  } catch (cause) {
    throw new CliError("ERR_USAGE", `--target ${url} is no address of a gateway or server`, { cause });
  }
}

function targetsOf({ target = [], tokenFile = [] }: TargetsOptions): readonly UploadTarget[] {
  if (target.length !== tokenFile.length) {
    throw new CliError("ERR_USAGE", "--target and --token-file must be given equally often");
  }
  return target.map((url, i) => targetOf(url, tokenFile[i] ?? ""));
}

/** Shows the list, and puts another in its place when targets are given. Tokens are never shown. */
export function targets(options: TargetsOptions): void {
  const wanted = targetsOf(options);
  const folder = openDiskFolder(options.data);
  const lock = wanted.length > 0 ? lockFolder(options.data) : undefined;
  try {
    const provision = readProvision(folder);
    if (wanted.length > 0) writeProvision(folder, { ...provision, targets: wanted });
    const urls = (wanted.length > 0 ? wanted : provision.targets).map(({ url }) => url);
    const lines =
      urls.length > 0 ? urls.map((url, i) => `${i + 1}  ${url}`) : ["no target: this terminal uploads nowhere"];
    outputFor(options).result({ targets: urls }, lines);
  } finally {
    lock?.release();
  }
}
