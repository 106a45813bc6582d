/** `pericard erase`, `erasures`, `verify-certificate`, `hold`, `retention` and `compact`: what is not to be kept any more. */
import type { Command } from "commander";
import { later } from "../later.ts";

const load = () => import("../actions/erasure.ts");

function withOperatorOptions(command: Command): Command {
  return command.requiredOption("--data <folder>", "the server's data folder").option("--json", "print JSON");
}

function withReason(command: Command): Command {
  return withOperatorOptions(command)
    .requiredOption("--reason <text>", "why, for the record")
    .option("--by <name>", "who asked for it, for the record", "operator");
}

/** Adds the commands. All but the last need the running server. */
export function addErasureCommands(program: Command): void {
  withReason(program.command("erase").description("overwrite the keys of a patient or of recordings, for ever"))
    .option("--patient <id>", "patient, with all recordings")
    .option("--recording <ids...>", "single recordings")
    .option("--certificate <file>", "where to put the signed certificate; an existing file is not overwritten")
    .action(later(load, "erase"));

  const erasures = program.command("erasures").description("what was erased");
  withOperatorOptions(erasures.command("list").description("list erasures")).action(later(load, "listErasures"));
  withOperatorOptions(erasures.command("certificate <erasure>").description("give the certificate of an erasure"))
    .requiredOption("--out <file>", "where to put it; an existing file is not overwritten")
    .action(later(load, "writeCertificate"));

  const hold = program.command("hold").description("legal holds, which forbid erasure");
  withReason(hold.command("set").description("forbid the erasure of a patient or of a recording"))
    .option("--patient <id>", "patient, with all recordings")
    .option("--recording <id>", "one recording")
    .action(later(load, "setHold"));
  withReason(hold.command("lift <hold>").description("end a legal hold")).action(later(load, "liftHold"));
  withOperatorOptions(hold.command("list").description("list legal holds")).action(later(load, "listHolds"));

  const retention = program.command("retention").description("how long data is kept");
  withOperatorOptions(
    retention.command("set <type> <days>").description("type: waveform or observation; days, or forever"),
  )
    .option("--tenant <id>", "tenant; not needed where there is one")
    .action(later(load, "setRetention"));
  withOperatorOptions(retention.command("list").description("list the rules")).action(later(load, "listRetention"));
  withOperatorOptions(retention.command("run").description("erase now what is over its time; the server does it daily"))
    .option("--dry-run", "say what would go, and erase nothing")
    .action(later(load, "runRetention"));

  withOperatorOptions(
    program.command("compact").description("free the space of what was erased, now; the server does it daily"),
  ).action(later(load, "compact"));

  program
    .command("verify-certificate <file>")
    .description("verify a certificate of erasure; no server is needed")
    .requiredOption("--pin <hex>", "pin of the installation's root key, 32 hexadecimal characters, from its operator")
    .option("--json", "print JSON")
    .action(later(load, "verifyCertificate"));
}
