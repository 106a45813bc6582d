/** Erasing on somebody's word: what forbids it, what it is attested by, and what goes by itself. */
import { sha256, systemRandom } from "@pericard/crypto";
import { RecordingId, toHex } from "@pericard/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { OperatorClient } from "../src/client/operator-client.ts";
import type { CertificateFile } from "../src/erasure/certificate.ts";
import type { RetentionReport } from "../src/erasure/retention.ts";
import { verifyCertificateFile } from "../src/erasure/verify-certificate.ts";
import { ErasedOrigin } from "./support/erased-site.ts";
import { readAll, readerOf, everySample } from "./support/reading.ts";
import type { TestInstallation } from "./support/test-server.ts";

let origin: ErasedOrigin;
let site: TestInstallation;
let operator: OperatorClient;

beforeAll(async () => {
  origin = await ErasedOrigin.make();
}, 60_000);
afterAll(() => origin.site.remove());
beforeEach(async () => {
  site = origin.copy();
  await site.start();
  operator = new OperatorClient(site.config.dataPath);
}, 60_000);
afterEach(() => site.remove());

const DAY_MS = 24 * 3600 * 1000;
const pinOf = (): string => toHex(sha256(site.store.rootPublicKey).subarray(0, 16));

const refusedWith = (code: string) => expect.objectContaining({ code });

const send = (body: object) => operator.send("POST", "/v1/erasures", body);
const set = (days: number | null, type = "waveform") =>
  operator.send("PUT", "/v1/retention", { type, ...(days === null ? {} : { days }) });
const plan = () => operator.get<RetentionReport>("/v1/retention/plan");
const run = () => operator.send<RetentionReport>("POST", "/v1/retention/run");

describe("the operator", () => {
  test("erases one recording of a patient, who stays", async () => {
    const body = { recordings: [origin.ada.recording.id], reason: "made by mistake" };
    await operator.send("POST", "/v1/erasures", body);
    const client = await readerOf(site);
    expect((await client.patients()).map(({ name }) => name).toSorted()).toEqual(["Ada", "Bob"]);
    await expect(client.recording(origin.ada.recording.id)).rejects.toThrow("404 ERR_NOT_FOUND");
  });

  test("is refused by a legal hold, until it is lifted", async () => {
    const hold = { recording: origin.ada.recording.id, reason: "court order 12" };
    const { id } = await operator.send<{ id: string }>("POST", "/v1/holds", hold);
    await expect(origin.erase(site)).rejects.toEqual(refusedWith("ERR_LEGAL_HOLD"));
    const client = await readerOf(site);
    expect(await readAll(client, origin.ada.recording)).toEqual(everySample(origin.ada.recording));
    await operator.send("DELETE", `/v1/holds/${id}`, { reason: "over" });
    const { holds } = await operator.get<{ holds: unknown[] }>("/v1/holds");
    expect(holds).toMatchObject([{ id, reason: "court order 12", lifted: { reason: "over", by: "operator" } }]);
    await origin.erase(site);
    await origin.expectNothingShown(site);
  });

  test("is told what it named wrongly, and nothing is erased", async () => {
    const unknown = RecordingId.fromBytes(systemRandom(16));
    await expect(send({ recordings: [unknown], reason: "r" })).rejects.toEqual(refusedWith("ERR_RECORDING_UNKNOWN"));
    await expect(send({ patient: "00".repeat(16), reason: "r" })).rejects.toEqual(refusedWith("ERR_PATIENT_UNKNOWN"));
    const { id } = origin.ada.patient;
    for (const body of [{ reason: "r" }, { patient: id, recordings: [unknown], reason: "r" }, { patient: id }]) {
      await expect(send(body)).rejects.toEqual(refusedWith("ERR_REQUEST_RANGE"));
    }
    await expect(send({ patient: id, reason: "two\nlines" })).rejects.toEqual(refusedWith("ERR_REQUEST_RANGE"));
    expect(await operator.get("/v1/erasures")).toEqual({ erasures: [] });
  });
});

describe("the certificate", () => {
  test("names what was erased, until when a backup may hold it, and what may still exist", async () => {
    const certificate = await origin.erase(site);
    expect(certificate.summary).toMatchObject({
      patient: origin.ada.patient.id,
      tenant: site.tenant.id,
      reason: "the patient asked for it",
      by: "operator",
      recordingCount: 1,
      segmentCount: 4,
      keyStoreCopies: 2,
      backupsExpireAt: new Date(site.clock.unixMs + 35 * DAY_MS).toISOString(),
    });
    expect(certificate.summary.whatMayStillExist.join(" ")).toContain("HPKE");
    const verified = verifyCertificateFile(JSON.stringify(certificate), pinOf());
    expect(verified.summary).toEqual(certificate.summary);
    const stubs = await site.server.context.catalog.findStubs(origin.ada.recording.id);
    expect(stubs).toHaveLength(4);
    expect(verified.recordings).toMatchObject([
      { recording: origin.ada.recording.id, terminal: origin.ada.terminal.registered.serial, segmentCount: 4 },
    ]);
  });

  test("is given again, the same, for its id and for another try", async () => {
    const certificate = await origin.erase(site);
    const path = `/v1/erasures/${certificate.summary.erasure}/certificate`;
    expect(await operator.get(path)).toEqual(certificate);
    expect(await origin.erase(site)).toEqual(certificate);
  });

  test.each<{ name: string; change: (certificate: CertificateFile) => unknown; pin?: string }>([
    {
      name: "a byte of a part",
      change: (one) => ({ ...one, signed: one.signed.map((hex) => hex.replace(/.$/, "0")) }),
    },
    { name: "no parts", change: (one) => ({ ...one, signed: [] }) },
    { name: "a part twice", change: (one) => ({ ...one, signed: [...one.signed, ...one.signed] }) },
    { name: "the statement of another purpose", change: (one) => ({ ...one, keyStatement: one.signed[0] }) },
    { name: "no key statement", change: (one) => ({ ...one, keyStatement: "" }) },
    { name: "another format", change: (one) => ({ ...one, format: "pericard/certificate" }) },
    { name: "another root", change: (one) => one, pin: "00".repeat(16) },
    { name: "no pin", change: (one) => one, pin: "" },
  ])("with $name is refused", async ({ change, pin }) => {
    const certificate = await origin.erase(site);
    const text = JSON.stringify(change(certificate));
    const changedNothing = text === JSON.stringify(certificate) && pin === undefined;
    expect(changedNothing).toBe(false);
    expect(() => verifyCertificateFile(text, pin ?? pinOf())).toThrow(refusedWith("ERR_CERTIFICATE_INVALID"));
  });

  test("says in words what is signed, whatever words the file has", async () => {
    const certificate = await origin.erase(site);
    const forged = { ...certificate, summary: { ...certificate.summary, recordingCount: 99, by: "somebody else" } };
    expect(verifyCertificateFile(JSON.stringify(forged), pinOf()).summary).toEqual(certificate.summary);
  });
});

describe("retention", () => {
  test("is for ever unless it is said otherwise", async () => {
    site.pass(4000 * DAY_MS);
    expect(await plan()).toEqual({ tenants: [] });
    await set(1, "observation");
    expect((await run()).tenants).toMatchObject([{ recordingCount: 0, heldCount: 0 }]);
  });

  test("erases what is over its time and not held; a dry run says so before and erases nothing", async () => {
    await set(30);
    site.pass(29 * DAY_MS);
    expect((await plan()).tenants).toMatchObject([{ recordingCount: 0 }]);
    const hold = { patient: origin.bob.patient.id, reason: "study" };
    await operator.send("POST", "/v1/holds", hold);
    site.pass(2 * DAY_MS);
    const expected = { tenant: site.tenant.id, recordings: [origin.ada.recording.id], recordingCount: 1, heldCount: 1 };
    expect((await plan()).tenants).toEqual([expected]);
    const client = await readerOf(site);
    expect(await readAll(client, origin.ada.recording)).toEqual(everySample(origin.ada.recording));
    expect((await run()).tenants).toEqual([expected]);
    await expect(client.recording(origin.ada.recording.id)).rejects.toThrow("404 ERR_NOT_FOUND");
    expect(await readAll(client, origin.bob.recording)).toEqual(everySample(origin.bob.recording));
    const { erasures } = await operator.get<{ erasures: unknown[] }>("/v1/erasures");
    expect(erasures).toMatchObject([{ reason: "retention: waveform after 30 days", by: "server", patient: null }]);
    expect((await run()).tenants).toMatchObject([{ recordingCount: 0, heldCount: 1 }]);
  });

  test("is taken back with forever", async () => {
    await set(30);
    expect(await operator.get("/v1/retention")).toMatchObject({ rules: [{ type: "waveform", days: 30 }] });
    await set(null);
    expect(await operator.get("/v1/retention")).toEqual({ rules: [] });
    await expect(set(0)).rejects.toEqual(refusedWith("ERR_REQUEST_RANGE"));
  });
});
