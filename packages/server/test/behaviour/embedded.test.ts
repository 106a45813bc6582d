/** The behaviour of an installation on one machine: folders, SQLite, channels within the process. */
import { describe } from "vitest";
import { TestInstallation } from "../support/test-server.ts";
import { describesBehaviour } from "./behaviour.ts";

describe("on one machine", () => {
  describesBehaviour(async () => {
    const site = new TestInstallation({ volumeCount: 3 });
    site.writeSettings();
    await site.start();
    return { site, remove: () => site.remove() };
  });
});
