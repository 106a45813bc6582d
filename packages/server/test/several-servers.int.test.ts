/** Several servers over one catalog in PostgreSQL: what each must know of the others. */
import { request } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FOLLOW_SEGMENT_MS } from "../src/retrieval/live.ts";
import { signIn } from "./support/reading.ts";
import { describeServices } from "./support/services.ts";
import { TestDatabase } from "./support/test-database.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";

describeServices(["postgresql"], "several servers over one catalog", ({ postgresql }) => {
  let catalog: TestDatabase;
  let keys: TestDatabase;
  const open: TestInstallation[] = [];

  beforeEach(async () => {
    [catalog, keys] = [await TestDatabase.make(postgresql), await TestDatabase.make(postgresql)];
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.remove();
    for (const database of [catalog, keys]) await database.remove();
  });

  function install(keyStore: "own" | "shared", origin?: TestInstallation): TestInstallation {
    const shared = keyStore === "shared" ? { keyStore: keys.config() } : {};
    const made = new TestInstallation({ catalog: catalog.config(), ...shared }, origin);
    open.push(made);
    return made;
  }

  test("with a key store of its own a server is the only one, also when it is a copy of the other", async () => {
    const first = install("own");
    const copy = install("own", first);
    await first.start();
    const refused = { code: "ERR_SERVER_CONFIG", message: expect.stringContaining("keyStore") as string };
    await expect(copy.start()).rejects.toMatchObject(refused);
    await expect(install("shared").start()).rejects.toMatchObject(refused);
    await catalog.disconnect();
    await expect.poll(() => first.server.context.catalog.listNotes().then(Array.isArray, () => false)).toBe(true);
    await expect(copy.start()).rejects.toMatchObject(refused);
    await first.stop();
    await copy.start();
  });

  test("a terminal that somebody watches is asked to hurry by the server that it uploads through", async () => {
    const here = install("shared");
    const { terminal } = here.terminalOf("somebody");
    const there = install("shared", here);
    await Promise.all([here.start(), there.start()]);
    const recording = new TestRecording(terminal);
    await here.post(terminal.envelope(recording.next().sealed));
    const waiting = here.post(terminal.status(), { waitSeconds: 20 });
    const url = `${there.server.url}/api/v1/recordings/${recording.id}/live`;
    const watching = request(url, { headers: { cookie: await signIn(there) } }).on("error", () => undefined);
    watching.end();
    expect((await waiting).commands).toMatchObject([{ name: "segment-length", value: FOLLOW_SEGMENT_MS }]);
    watching.destroy();
    here.pass(180_000);
    expect((await here.post(terminal.status())).commands).toEqual([]);
    const names = async () => (await here.server.context.catalog.listNotes()).map(({ name }) => name);
    await expect.poll(names, { timeout: 10_000 }).not.toContainEqual(expect.stringMatching(/^follow/));
  });

  test("segments that a server left without summaries are found by another", async () => {
    const site = install("shared");
    const { terminal } = site.terminalOf("somebody");
    await site.start();
    const recording = new TestRecording(terminal);
    await site.post(terminal.envelope(...recording.take(3).map(({ sealed }) => sealed)));
    const { catalog: rows } = site.server.context;
    const key = (await rows.findRecording(recording.id))?.key ?? 0;
    const summaries = () => rows.findSummaries(key, 0, 0, 9);
    await expect.poll(summaries, { timeout: 20_000 }).toHaveLength(3);
    // As a server leaves it that stored the segments and died.
    await catalog.query("DELETE FROM pericard_catalog.summaries");
    await catalog.query("UPDATE pericard_catalog.streams SET unsummarised = true");
    await expect.poll(summaries, { timeout: 60_000 }).toHaveLength(3);
  });
});
