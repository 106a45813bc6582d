import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMemoryFolder, openDiskFolder } from "@pericard/framelog";
import { readAddress } from "@pericard/gateway";
import { makeFolder, runGateway, settingsFor } from "./support/running.ts";

test("a gateway that listens can be found by its folder, with its upstreams and without tokens", async () => {
  const folderPath = join(makeFolder(), "spool");
  mkdirSync(folderPath);
  const { url } = await runGateway(settingsFor("http://127.0.0.1:9/", { folderPath }));
  const folder = openDiskFolder(folderPath);
  expect(readAddress(folder)).toEqual({ url, upstreams: ["http://127.0.0.1:9/"] });
  expect(new TextDecoder().decode(folder.read("gateway.json"))).not.toContain("token");
});

test.each(["", "{", "null", "{}", '{"url":"no address","upstreams":[]}', '{"url":"http://a/","upstreams":[7]}'])(
  "what is no address (%j) finds nothing",
  (text) => {
    const folder = createMemoryFolder();
    folder.replace("gateway.json", new TextEncoder().encode(text));
    expect(readAddress(folder)).toBeUndefined();
  },
);
