/** `pericard factory`: draws the master key sequence, deploys terminals and verifies them. */
import type { Command } from "commander";
import { later } from "../later.ts";

function withDataOptions(command: Command, whose = "the server's data folder, or a factory's"): Command {
  return command
    .requiredOption("--data <folder>", whose)
    .option("--passphrase-file <file>", "file with the passphrase of the key-encryption key, or the PIN of its token")
    .option("--json", "print JSON");
}

/** Adds the commands. */
export function addFactoryCommands(program: Command): void {
  const factory = program.command("factory").description("the key authority: draws, deploys and verifies key blocks");
  withDataOptions(
    factory.command("init").description("draw the master key sequence, or go on where drawing was interrupted"),
  )
    .option("--terminals <number>", "blocks that the sequence is to have", "1000")
    .action(later(() => import("../actions/factory.ts"), "init"));
  withDataOptions(factory.command("deploy").description("deploy terminals into folders, with modules of their own"))
    .requiredOption("--out <folder>", "folder of the terminal; of several, the folder that theirs lie in")
    .requiredOption("--target <url>", "gateway or server that the terminal uploads to")
    .requiredOption("--token <token>", "token that admits the terminal there")
    .option("--count <number>", "how many", "1")
    .option("--tenant <id>", "tenant that they belong to, for life; the first unless it is named")
    .option("--suite <name>", "pericard-1, or paper-2018: an experiment, for tenants created synthetic", "pericard-1")
    .option("--trsm <adapter>", "soft: a simulated module in the folder; tpm: one in a TPM 2.0", "soft")
    .option("--tcti <address>", "with --trsm tpm: where the TPM is, as tpm2-tools name it", "device:/dev/tpmrm0")
    .option("--nv-index <index>", "with --trsm tpm: even NV index of the first; its counter is next", "0x01810000")
    .action(later(() => import("../actions/factory.ts"), "deploy"));
  withDataOptions(
    factory.command("keys <serial>").description("show how far a terminal's keys are used, and what was changed"),
  ).action(later(() => import("../actions/factory-keys.ts"), "keys"));
  addTransferCommands(factory);
  withDataOptions(
    factory.command("verify <folder>").description("verify a deployed terminal by challenge and response"),
  )
    .option("--all", "verify every terminal whose folder lies in this one")
    .action(later(() => import("../actions/factory.ts"), "verify"));
}

/** Commands of a factory on another machine than its server, and of the server that it deploys for. */
function addTransferCommands(factory: Command): void {
  const server = "the server's data folder";
  const own = "the factory's data folder";
  withDataOptions(factory.command("intake").description("make the file that a factory elsewhere deploys for"), server)
    .requiredOption("--out <file>", "the file; it holds no secret")
    .option("--tenant <id>", "tenant that its terminals belong to, for life; the first unless it is named")
    .action(later(() => import("../actions/factory-transfer.ts"), "intake"));
  withDataOptions(
    factory.command("intakes").description("list what was made for factories, and what they sent"),
    server,
  ).action(later(() => import("../actions/factory-transfer.ts"), "intakes"));
  withDataOptions(factory.command("join <intake>").description("set this machine up as the factory of an intake"), own)
    .requiredOption("--pin <pin>", "pin of the server's root, as its operator reads it to you")
    .action(later(() => import("../actions/factory-transfer.ts"), "join"));
  withDataOptions(factory.command("export").description("seal deployed terminals for the server"), own)
    .requiredOption("--out <folder>", "folder that the files go into, 1,000 terminals each at most")
    .option("--transfer <number>", "make this transfer again, whose file was lost")
    .action(later(() => import("../actions/factory-transfer.ts"), "exportTerminals"));
  withDataOptions(factory.command("import <file>").description("register the terminals of a factory's file"), server)
    .option(
      "--accept <fingerprint>",
      "fingerprint of the factory, as its operator reads it to you; with its first file",
    )
    .action(later(() => import("../actions/factory-transfer.ts"), "importTerminals"));
}
