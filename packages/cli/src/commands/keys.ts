/** `pericard keys`: custody of the key-encryption key, and the server's own keys. */
import type { Command } from "commander";
import { later } from "../later.ts";

const serverKeys = () => import("../actions/server-keys.ts");

/** Adds the commands. */
export function addKeysCommands(program: Command): void {
  const keys = program.command("keys").description("custody of the key-encryption key, and the server's own keys");
  keys
    .command("rotate-kek")
    .description("change the key-encryption key, or who holds it; the server must not run")
    .requiredOption("--data <folder>", "the server's data folder")
    .option("--passphrase-file <file>", "file with the present passphrase, or the PIN of the present token")
    .option("--new-passphrase-file <file>", "keep the next key under this passphrase")
    .option("--token <label>", "have the PKCS#11 token of this label make and keep the next key")
    .option("--pin-file <file>", "file with the PIN of that token")
    .option("--pkcs11-module <file>", "PKCS#11 module; else PERICARD_PKCS11_MODULE")
    .option("--json", "print JSON")
    .action(later(() => import("../actions/keys.ts"), "rotate"));
  keys
    .command("list")
    .description("list the server's keys of every version")
    .requiredOption("--data <folder>", "the server's data folder")
    .option("--passphrase-file <file>", "file with the passphrase, or the PIN of the token")
    .option("--json", "print JSON")
    .action(later(serverKeys, "list"));
  keys
    .command("rotate <purpose>")
    .description("have the root key vouch for a new key of the server (hpke or receipt); the server may run")
    .requiredOption("--data <folder>", "the server's data folder")
    .requiredOption("--root-file <file>", "the root key, brought to this machine for this command alone")
    .requiredOption("--root-passphrase-file <file>", "file with the passphrase of the root key")
    .option("--passphrase-file <file>", "file with the passphrase, or the PIN of the token")
    .option("--version-min <number>", "least version: above what terminals may know, after the key store was restored")
    .option("--json", "print JSON")
    .action(later(serverKeys, "rotate"));
  keys
    .command("prune")
    .description("destroy hpke keys that were retired 90 days ago; a running server does it by itself")
    .requiredOption("--data <folder>", "the server's data folder")
    .option("--passphrase-file <file>", "file with the passphrase, or the PIN of the token")
    .option("--json", "print JSON")
    .action(later(serverKeys, "prune"));
}
