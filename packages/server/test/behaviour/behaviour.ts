/** What every installation does, whatever its volumes, its channels, its catalog and its key store are. */
import { toHex } from "@pericard/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OperatorClient } from "../../src/client/operator-client.ts";
import type { VolumeDescription } from "../../src/control/volume-states.ts";
import type { RetentionReport } from "../../src/erasure/retention.ts";
import { everySample, readAll, readerOf, readFramed, signIn } from "../support/reading.ts";
import { MIXED_SHAPE, TestRecording, type MadeSegment } from "../support/test-recording.ts";
import type { TestInstallation } from "../support/test-server.ts";

export interface Opened {
  readonly site: TestInstallation;
  remove(): Promise<void>;
}

const SOON = { timeout: 30_000 };
const COPIES = 2;

const hashesOf = (segments: readonly MadeSegment[]): readonly string[] =>
  segments.map(({ hash }) => toHex(hash)).sort();

/** Tests of one installation, which is running. Each has a patient of its own. */
export function describesBehaviour(open: () => Promise<Opened>): void {
  let opened: Opened;
  let site: TestInstallation;
  let operator: OperatorClient;

  beforeAll(async () => {
    opened = await open();
    site = opened.site;
    operator = new OperatorClient(site.config.dataPath);
  }, 120_000);
  afterAll(() => opened.remove());

  /** A patient with segments that were taken. */
  async function recordFor(name: string, count: number) {
    const { terminal, patient } = site.terminalOf(name);
    const recording = new TestRecording(terminal, MIXED_SHAPE);
    const segments = recording.take(count, { frameCount: 111 });
    const envelope = terminal.envelope(...segments.map(({ sealed }) => sealed));
    const answer = await site.post(envelope);
    return { terminal, patient, recording, segments, envelope, answer };
  }

  test("what is uploaded is receipted with its copies, and once more when it comes again", async () => {
    const { terminal, recording, segments, envelope, answer } = await recordFor("Ada", 5);
    expect(answer.receipted).toEqual(hashesOf(segments));
    expect(answer.receipts).toMatchObject([{ routing: terminal.routing, copyCount: COPIES }]);
    expect((await site.post(envelope)).receipted).toEqual(answer.receipted);
    const row = await site.server.context.catalog.findRecording(recording.id);
    expect(row).toMatchObject({ streams: [{ segmentCount: 5, highestSequence: 4 }] });
  });

  test("a contradiction is told and not stored; a gap is receipted and shown", async () => {
    const { terminal, recording, segments } = await recordFor("Bea", 2);
    const stray = recording.at(1, segments[0]?.hash ?? null, 111, { frameCount: 112 });
    const refused = await site.post(terminal.envelope(stray.sealed));
    expect(refused).toMatchObject({ receipts: [], conflicts: [{ sequence: 1, cause: "sequence" }] });
    expect((await site.post(terminal.gap(recording.id, 2))).receipts).toHaveLength(1);
    const client = await readerOf(site);
    expect(await readAll(client, recording)).toEqual(everySample(recording));
  });

  test("what came is read exactly, and in summaries, by whoever may", async () => {
    const { recording, patient } = await recordFor("Cleo", 6);
    const client = await readerOf(site);
    expect(await client.patients()).toContainEqual(expect.objectContaining({ id: patient.id, recordingCount: 1 }));
    expect(await readAll(client, recording)).toEqual(everySample(recording));
    const query = `fromFrame=0&toFrame=${recording.frameCount}&buckets=20`;
    const overview = await readFramed(site, await signIn(site), `recordings/${recording.id}/summary?${query}`);
    expect(overview.leads).toHaveLength(MIXED_SHAPE.leads.length);
    const stranger = site.store.addTenant("Others", true, site.clock.unixMs);
    const headers = { cookie: await signIn(site, stranger) };
    const denied = await fetch(`${site.server.url}/api/v1/recordings/${recording.id}`, { headers });
    expect(denied.status).toBe(404);
  });

  test("a status is taken once", async () => {
    const { terminal } = site.terminalOf("Dora");
    const status = terminal.status();
    expect((await site.post(status)).status).toBe(200);
    expect((await site.post(status)).code).toBe("ERR_STATUS_REPLAYED");
  });

  test("a legal hold forbids to erase; then a patient is erased, and nothing comes back", async () => {
    const { patient, recording, envelope } = await recordFor("Eve", 4);
    const order = { patient: patient.id, reason: "the patient asked for it" };
    const hold = { recording: recording.id, reason: "court order 12" };
    const { id } = await operator.send<{ id: string }>("POST", "/v1/holds", hold);
    const refused = expect.objectContaining({ code: "ERR_LEGAL_HOLD" }) as Error;
    await expect(operator.send("POST", "/v1/erasures", order)).rejects.toEqual(refused);
    await operator.send("DELETE", `/v1/holds/${id}`, { reason: "over" });
    const certificate = await operator.send("POST", "/v1/erasures", order);
    expect(certificate).toMatchObject({ summary: { patient: patient.id, recordingCount: 1, segmentCount: 4 } });
    const client = await readerOf(site);
    await expect(client.recording(recording.id)).rejects.toThrow("404 ERR_NOT_FOUND");
    expect(await site.post(envelope)).toMatchObject({ receipts: [], erased: [{ recording: recording.id }] });
    await expect(client.recording(recording.id)).rejects.toThrow("404 ERR_NOT_FOUND");
  });

  test("what is over its time is named, and nothing of it is erased by that", async () => {
    const { recording } = await recordFor("Fay", 2);
    site.pass(3 * 24 * 3600 * 1000);
    await operator.send("PUT", "/v1/retention", { tenant: site.tenant.id, type: "waveform", days: 1 });
    const due = JSON.stringify(await operator.get<RetentionReport>("/v1/retention/plan"));
    await operator.send("PUT", "/v1/retention", { tenant: site.tenant.id, type: "waveform" });
    expect(due).toContain(recording.id);
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
  });

  test("after a restart all is there", async () => {
    const { recording } = await recordFor("Gil", 3);
    const row = await site.server.context.catalog.findRecording(recording.id);
    const summaries = () => site.server.context.catalog.findSummaries(row?.key ?? 0, 0, 0, 9);
    await expect.poll(summaries, SOON).toHaveLength(3);
    await site.stop();
    await site.start();
    expect(site.server.context.rebuilt).toBeUndefined();
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
  });

  test("a volume is drained until it is empty; receipts go on, and every sample stays", async () => {
    const { recording, terminal } = await recordFor("Hal", 4);
    const volumes = async () => (await operator.get<{ volumes: readonly VolumeDescription[] }>("/v1/volumes")).volumes;
    expect((await volumes()).map(({ state }) => state)).toEqual(["idle", "idle", "idle"]);
    const drained = (await volumes()).find(({ copies }) => copies > 0)?.volumeId ?? "";
    await operator.send("POST", `/v1/volumes/${drained}/drain`);
    const emptyAt = async () => {
      site.pass(60_001);
      return (await volumes()).find(({ volumeId }) => volumeId === drained)?.drain?.emptyAtUnixMs;
    };
    await expect.poll(emptyAt, SOON).toEqual(expect.any(Number));
    expect((await volumes()).find(({ volumeId }) => volumeId === drained)).toMatchObject({ copies: 0 });
    const more = recording.next({ frameCount: 111 });
    expect((await site.post(terminal.envelope(more.sealed))).receipts).toMatchObject([{ copyCount: COPIES }]);
    expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
  });
}
