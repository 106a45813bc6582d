/** Servers whose key store is in PostgreSQL: the whole way, a database that goes and comes, and two servers at once. */
import { toHex } from "@pericard/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { everySample, readAll, readerOf } from "./support/reading.ts";
import { describeServices } from "./support/services.ts";
import { TestDatabase } from "./support/test-database.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";

describeServices(["postgresql"], "a key store in PostgreSQL", ({ postgresql }) => {
  let database: TestDatabase;
  let site: TestInstallation;

  beforeEach(async () => {
    database = await TestDatabase.make(postgresql);
    site = new TestInstallation({ keyStore: database.config() });
  });
  afterEach(async () => {
    await site.remove();
    await database.remove();
  });

  /** As when the database is stopped, and when it is started again. */
  async function stopDatabase(): Promise<void> {
    await database.command(`ALTER DATABASE ${database.name} WITH ALLOW_CONNECTIONS false`);
    await database.disconnect();
  }
  const startDatabase = (): Promise<void> =>
    database.command(`ALTER DATABASE ${database.name} WITH ALLOW_CONNECTIONS true`);

  test("serves the whole way, also after its connections were ended, and nothing lies in the volumes", async () => {
    const { terminal, patient } = site.terminalOf("Ada");
    await site.start();
    const recording = new TestRecording(terminal);
    expect((await site.post(terminal.envelope(recording.next().sealed))).receipted).toHaveLength(1);
    await database.disconnect();
    site.pass(2000);
    expect((await site.post(terminal.envelope(recording.next().sealed))).receipted).toHaveLength(1);
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
    expect(site.store.findRecordingKey(recording.id)).toMatchObject({ patient: patient.id });
  });

  test("that is gone has clients sent away and gives no receipt; when it is back, all is taken", async () => {
    const { terminal } = site.terminalOf("Ada");
    await site.start();
    const known = new TestRecording(terminal);
    expect((await site.post(terminal.envelope(known.next().sealed))).receipted).toHaveLength(1);
    await stopDatabase();
    site.pass(2000);
    const [old, fresh] = [known.next(), new TestRecording(terminal).next()];
    for (const { sealed } of [old, fresh]) {
      const refused = await site.post(terminal.envelope(sealed));
      expect(refused).toMatchObject({ status: 503, code: "ERR_KEYSTORE_UNAVAILABLE", receipts: [] });
      expect(refused.headers.get("retry-after")).not.toBeNull();
    }
    await startDatabase();
    site.pass(2000);
    const take = async (sealed: Uint8Array) => (await site.post(terminal.envelope(sealed))).receipted;
    await expect.poll(() => take(old.sealed), { timeout: 10_000 }).toEqual([toHex(old.hash)]);
    await expect.poll(() => take(fresh.sealed), { timeout: 10_000 }).toEqual([toHex(fresh.hash)]);
  });

  test("is no reason to start without: a server says so, and starts when it is there", async () => {
    await site.stop();
    await stopDatabase();
    await expect(site.start()).rejects.toMatchObject({ code: "ERR_KEYSTORE_UNAVAILABLE" });
    await startDatabase();
    await site.start();
  });

  test("gives two servers one key for a recording whose first segment reaches both, and both their new keys", async () => {
    const { terminal } = site.terminalOf("Ada");
    await site.stop();
    const peer = new TestInstallation({ keyStore: database.config() }, site);
    try {
      await Promise.all([site.start(), peer.start()]);
      const recordings = Array.from({ length: 5 }, () => new TestRecording(terminal));
      const sent = recordings.map((recording) => terminal.envelope(recording.next().sealed));
      const answers = await Promise.all(sent.flatMap((envelope) => [site.post(envelope), peer.post(envelope)]));
      expect(answers.map(({ receipted }) => receipted.length)).toEqual(answers.map(() => 1));
      const keys = site.store.recordingKeys();
      expect(keys).toHaveLength(5);
      for (const server of [site, peer]) {
        for (const recording of recordings) {
          expect(await readAll(await readerOf(server), recording)).toEqual(everySample(recording));
        }
      }
      const { keyId } = site.store.identity.rotate(site.rootKey, "receipt", site.clock.unixMs);
      for (const server of [site, peer]) {
        server.pass(2000);
        const { mail } = await server.post(terminal.envelope(recordings[0]?.next().sealed ?? new Uint8Array(0)));
        expect(mail.map((message) => Buffer.from(message).includes(Buffer.from(keyId, "hex")))).toEqual([false, true]);
      }
    } finally {
      await peer.remove();
    }
  });
});
