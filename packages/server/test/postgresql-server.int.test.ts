/** A server whose catalog is in PostgreSQL: the whole way, a database that goes and comes, and one that is lost. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { everySample, readAll, readerOf } from "./support/reading.ts";
import { describeServices } from "./support/services.ts";
import { TcpProxy } from "./support/tcp-proxy.ts";
import { TestDatabase } from "./support/test-database.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

describeServices(["postgresql"], "a server over PostgreSQL", ({ postgresql }) => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let site: TestInstallation;
  let terminal: TestTerminal;

  beforeEach(async () => {
    database = await TestDatabase.make(postgresql);
    proxy = await TcpProxy.start(postgresql);
    site = await new TestInstallation({ catalog: database.config(proxy.port) }).start();
    terminal = site.terminalOf("somebody").terminal;
  });
  afterEach(async () => {
    await site.remove();
    await proxy.close();
    await database.remove();
  });

  test("takes segments, reads them back, and finds them after a restart", async () => {
    const recording = new TestRecording(terminal);
    const segments = recording.take(5);
    const answer = await site.post(terminal.envelope(...segments.map(({ sealed }) => sealed)));
    expect(answer.receipted).toHaveLength(5);
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
    const row = await site.server.context.catalog.findRecording(recording.id);
    const { catalog } = site.server.context;
    await expect.poll(() => catalog.findSummaries(row?.key ?? 0, 0, 0, 9), { timeout: 20_000 }).toHaveLength(5);
    await site.stop();
    await site.start();
    expect(site.server.context.rebuilt).toBeUndefined();
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
  });

  test("sends clients away while the database is gone, and takes everything when it is back", async () => {
    const recording = new TestRecording(terminal);
    const envelope = terminal.envelope(recording.next().sealed);
    proxy.cut();
    const refused = await site.post(envelope);
    expect(refused).toMatchObject({ status: 503, code: "ERR_CATALOG_UNAVAILABLE", receipts: [] });
    expect(refused.headers.get("retry-after")).not.toBeNull();
    proxy.open();
    expect((await site.post(envelope)).receipted).toHaveLength(1);
    expect((await site.post(terminal.envelope(recording.next().sealed))).receipted).toHaveLength(1);
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
  });

  test("makes a lost catalog anew from its volumes", async () => {
    const recording = new TestRecording(terminal);
    for (const { sealed } of recording.take(4)) await site.post(terminal.envelope(sealed));
    await site.stop();
    await database.query("DROP SCHEMA pericard_catalog CASCADE");
    await site.start();
    expect(site.server.context.rebuilt).toEqual({ packageCopies: 8, gaps: 0, stubs: 0, refused: 0 });
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
    const { catalog } = site.server.context;
    const row = await catalog.findRecording(recording.id);
    const placements = await catalog.findSegments(row?.key ?? 0, 0, 0, recording.frameCount, 100);
    expect(placements.map(({ copies }) => copies.length)).toEqual([2, 2, 2, 2]);
  });

  test("does not start without it, and starts when it is there", async () => {
    await site.stop();
    proxy.cut();
    await expect(site.start()).rejects.toMatchObject({ code: "ERR_CATALOG_UNAVAILABLE" });
    proxy.open();
    await site.start();
    expect((await site.post(terminal.envelope(new TestRecording(terminal).next().sealed))).receipted).toHaveLength(1);
  });
});
