/** `pericard keys`: custody of the key-encryption key. */
import type { Command } from "commander";
import { later } from "../later.ts";

/** Adds the commands. */
export function addKeysCommands(program: Command): void {
  const keys = program.command("keys").description("custody of the key-encryption key");
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
}
