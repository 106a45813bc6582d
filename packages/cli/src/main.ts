/** The `pericard` command: arguments and printing. */
import { Command, CommanderError } from "commander";
import { addBenchCommands } from "./commands/bench.ts";
import { addDemoCommand } from "./commands/demo.ts";
import { addErasureCommands } from "./commands/erasure.ts";
import { addFactoryCommands } from "./commands/factory.ts";
import { addGatewayCommands } from "./commands/gateway.ts";
import { addLabCommands } from "./commands/lab.ts";
import { addKeysCommands } from "./commands/keys.ts";
import { addPeopleCommands } from "./commands/people.ts";
import { addRecordsCommands } from "./commands/records.ts";
import { addServerCommand } from "./commands/server.ts";
import { addTerminalCommands } from "./commands/terminal.ts";
import { addWorkerCommand } from "./commands/worker.ts";
import { addVolumesCommands } from "./commands/volumes.ts";
import { addMigrateCommand } from "./commands/migrate.ts";
import { reportError } from "./output.ts";

const program = new Command("pericard")
  .description("Carries ECG and other medical data from terminals to clinicians, sealed all the way.")
  .version("0.1.0")
  .showHelpAfterError()
  .configureHelp({ showGlobalOptions: true });

addDemoCommand(program);
addServerCommand(program);
addWorkerCommand(program);
addGatewayCommands(program);
addTerminalCommands(program);
addFactoryCommands(program);
addKeysCommands(program);
addPeopleCommands(program);
addRecordsCommands(program);
addVolumesCommands(program);
addMigrateCommand(program);
addErasureCommands(program);
addBenchCommands(program);
addLabCommands(program);

for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)]) {
  command.exitOverride();
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else reportError(error, process.argv.includes("--json"));
}
