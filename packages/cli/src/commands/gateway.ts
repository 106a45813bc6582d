/** `pericard gateway`: takes sealed messages in, keeps them on disk, passes them on. */
import type { Command } from "commander";
import { collect } from "../collect.ts";
import { later } from "../later.ts";

/** Adds the commands. */
export function addGatewayCommands(program: Command): void {
  const gateway = program
    .command("gateway")
    .description("a gateway: it carries sealed messages and can open none (run when nothing else is said)");
  gateway
    .command("run", { isDefault: true })
    .description("run a gateway")
    .requiredOption("--config <file>", "JSON file: port, folderPath, clients, upstreams (docs/operating/gateway.md)")
    .option("--upstream <url>", "in place of the file's upstreams; repeated, the preferred one first", collect)
    .option("--upstream-token <file>", "file with the token for the upstream at the same place", collect)
    .option("--ca <file>", "PEM: who signs the upstreams' certificates; the system's authorities when not given")
    .option("--tls-cert <file>", "PEM: speak TLS alone, with this certificate")
    .option("--tls-key <file>", "PEM: its key")
    .option("--client-ca <file>", "PEM: who signs clients' certificates (commonName in the file's clients)")
    .option("--mqtt-port <number>", "listen for MQTT 3.1.1 too, on this port; 0 for a free one")
    .option("--log-level <level>", "fatal, error, warn, info, debug, trace or silent", "info")
    .option("--json", "print one JSON object when ready")
    .action(later(() => import("../actions/gateway.ts"), "run"));
  gateway
    .command("status")
    .description("ask a running gateway what waits, for how long there is room, and which upstream is used")
    .requiredOption("--data <folder>", "the gateway's folder, folderPath in its file")
    .option("--ca <file>", "PEM: who signs the gateway's certificate, when it speaks TLS")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/gateway-status.ts"), "status"));
}
