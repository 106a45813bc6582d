/** `pericard volumes rebuild`: the catalog of a stopped server, made anew. */
import { systemRandom } from "@pericard/crypto";
import { openKek } from "@pericard/custody";
import { lockFolder } from "@pericard/framelog";
import { keyStorePlace, orderRebuild, startServer, systemEnvironment } from "@pericard/server";
import { pino } from "pino";
import { CliError } from "../errors.ts";
import { findConfig, readSecret, type InstallationOptions } from "../installation.ts";
import { outputFor } from "../output.ts";

export async function rebuild(options: InstallationOptions & { readonly json?: boolean }): Promise<void> {
  const output = outputFor(options);
  const config = findConfig(options);
  if (config.catalog) {
    const order = "UPDATE pericard_catalog.catalog SET whole = false";
    throw new CliError("ERR_USAGE", `catalog is shared: stop every server, run "${order}" in its database, start one`);
  }
  const kek = openKek(keyStorePlace(config), readSecret(options), systemRandom);
  lockFolder(config.dataPath).release();
  orderRebuild(config.dataPath);
  const logger = pino({ level: options.json ? "silent" : "info" }, pino.destination(2));
  const unseen = { ...config, host: "127.0.0.1", port: 0, uploadClients: [] };
  const server = await startServer(unseen, systemEnvironment(kek, logger));
  const { rebuilt } = server.context;
  await server.close();
  const found = `${rebuilt?.packageCopies ?? 0} copies of packages, ${rebuilt?.gaps ?? 0} of gaps`;
  output.result({ rebuilt }, [`catalog was rebuilt from ${found}; ${rebuilt?.refused ?? 0} frames were refused`]);
}
