/** `pericard terminal`: records, uploads, and says how it is. */
import type { Command } from "commander";
import { collect } from "../collect.ts";
import { later } from "../later.ts";

const CA = "PEM: who signs the targets' certificates; the system's authorities when not given";
const CLIENT_CERT = "PEM: the terminal's own certificate, for targets that want one";
const CLIENT_KEY = "PEM: its key";
const RECEIPT_SECONDS =
  "how long a receipt is waited for before an item is sent again, by the next target if there is one";

/** Adds the commands. */
export function addTerminalCommands(program: Command): void {
  const terminal = program.command("terminal").description("a terminal: records, seals, journals, uploads");
  terminal
    .command("record")
    .description("record a source, and upload until everything has a receipt")
    .requiredOption("--data <folder>", "folder that the terminal was deployed into")
    .option("--record <file>", "WFDB header (.hea); an interrupted run goes on where it stopped")
    .option(
      "--public-test-data",
      "vouch that the record or stream is published test data: suite paper-2018 takes no other",
    )
    .option("--again", "record a file anew that was recorded before")
    .option("--synthetic", "synthetic 12-lead ECG at 500 Hz, live until stopped")
    .option("--pleth", "with live --synthetic: a pleth beside it, as a second stream of the recording")
    .option("--seed <number>", "seed of the synthetic ECG", "1")
    .option("--heart-rate <bpm>", "its heart rate", "72")
    .option("--hours <number>", "make it a record of that length, as fast as possible, instead of live")
    .option("--stdin", "interleaved little-endian 16-bit samples from standard input, live")
    .option("--leads <names>", "with --stdin: names of the leads, separated by commas")
    .option("--rate <hz>", "with --stdin: frames per second")
    .option("--gain <adu>", "with --stdin: adu per unit", "200")
    .option("--baseline <adu>", "with --stdin: adu at 0", "0")
    .option("--units <unit>", "with --stdin: unit of the leads", "mV")
    .option("--segment-seconds <number>", "length of a segment, 1 to 60", "10")
    .option(
      "--codec <name>",
      "how samples are encoded: lead-residual (default), raw, gzip, dedup, gzip+dedup, dedup+gzip; in suite paper-2018, what compresses after sealing: dedup+gzip (default), gzip, dedup, gzip+dedup",
    )
    .option("--journal-limit-mb <number>", "bytes that the journal may take, in MB", "512")
    .option("--no-upload", "record only")
    .option("--receipt-seconds <number>", RECEIPT_SECONDS, "30")
    .option("--ca <file>", CA)
    .option("--client-cert <file>", CLIENT_CERT)
    .option("--client-key <file>", CLIENT_KEY)
    .option("--json", "print a JSON object when ready and one at the end")
    .action(later(() => import("../actions/terminal.ts"), "record"));
  terminal
    .command("bridge")
    .description("take observations of plain sensors by MQTT or HTTP, journal, seal and upload them")
    .requiredOption("--data <folder>", "folder that the terminal was deployed into")
    .option("--mqtt <host:port>", "listen for MQTT 3.1.1; PUBACK means durable")
    .option("--http <host:port>", "listen for HTTP; 201 means durable")
    .option("--sensor-token-file <file>", "what sensors show as password or bearer token; needed beyond this machine")
    .option("--broker <url>", "subscribe at a broker of the site, mqtt://host:port or mqtts://host:port")
    .option("--topic <pattern>", "what to subscribe to; repeated", collect)
    .option("--broker-user <name>", "user name at the broker")
    .option("--broker-password-file <file>", "file with the password for it")
    .option("--mapping <file>", "rules for devices with a format of their own: docs/bridge.md")
    .option("--segment-seconds <number>", "how long observations gather for one segment, 1 to 60", "10")
    .option("--journal-limit-mb <number>", "bytes that the journal may take, in MB", "512")
    .option("--no-upload", "record only")
    .option("--receipt-seconds <number>", RECEIPT_SECONDS, "30")
    .option("--ca <file>", CA)
    .option("--client-cert <file>", CLIENT_CERT)
    .option("--client-key <file>", CLIENT_KEY)
    .option("--json", "print a JSON object when ready and one at the end")
    .action(later(() => import("../actions/terminal-bridge.ts"), "bridge"));
  terminal
    .command("refused")
    .description("show the newest inputs that the bridge did not take, and why")
    .requiredOption("--data <folder>", "folder that the terminal was deployed into; no bridge may be running")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/terminal-bridge.ts"), "refused"));
  terminal
    .command("upload")
    .description("upload what is in the journal until everything has a receipt")
    .requiredOption("--data <folder>", "folder that the terminal was deployed into")
    .option("--receipt-seconds <number>", RECEIPT_SECONDS, "30")
    .option("--ca <file>", CA)
    .option("--client-cert <file>", CLIENT_CERT)
    .option("--client-key <file>", CLIENT_KEY)
    .option("--json", "print one JSON object at the end")
    .action(later(() => import("../actions/terminal.ts"), "upload"));
  terminal
    .command("targets")
    .description("show where the terminal uploads to, or put another list in its place")
    .requiredOption("--data <folder>", "folder that the terminal was deployed into")
    .option("--target <url>", "gateway or server; repeated, the preferred one first", collect)
    .option("--token-file <file>", "file with the token for the target at the same place", collect)
    .option("--json", "print JSON")
    .action(later(() => import("../actions/terminal-targets.ts"), "targets"));
  terminal
    .command("fetch-back")
    .description("get this terminal's streams of its current assignment back from the server, sealed to it alone")
    .requiredOption("--data <folder>", "folder that the terminal was deployed into")
    .option(
      "--out <folder>",
      "folder to write to; a run that was interrupted goes on there. Without it, list the streams",
    )
    .option("--recording <id>", "this recording alone")
    .option("--stream <number>", "this stream of each recording alone")
    .option("--format <name>", "wfdb, where observations become JSON lines, or json", "wfdb")
    .option("--ca <file>", CA)
    .option("--client-cert <file>", CLIENT_CERT)
    .option("--client-key <file>", CLIENT_KEY)
    .option("--json", "print one JSON object at the end")
    .action(later(() => import("../actions/fetch-back.ts"), "fetchBack"));
  terminal
    .command("status")
    .description("say how the terminal is")
    .requiredOption("--data <folder>", "folder that the terminal was deployed into")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/terminal.ts"), "status"));
}
