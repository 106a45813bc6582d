/** A person who reads over HTTP, and brute-force answers to compare with. */
import type { KeyStore, Tenant } from "@pericard/custody";
import { ApiClient } from "../../src/client/api-client.ts";
import { NO_SAMPLE } from "../../src/retrieval/summary.ts";
import type { TestRecording } from "./test-recording.ts";
import type { TestInstallation } from "./test-server.ts";

/** A session cookie of a new clinician. */
export async function signIn(site: TestInstallation, tenant: Tenant = site.tenant): Promise<string> {
  const response = await fetch(`${site.server.url}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: linkFor(site.store, tenant, site.clock.unixMs + 60_000) }),
  });
  if (!response.ok) throw new Error(`sign-in failed with ${response.status}`);
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** A one-time link of a new clinician. */
export function linkFor(store: KeyStore, tenant: Tenant, expiresAtUnixMs: number): string {
  return store.createSignInLink(store.addAccount(tenant.id, "clinician", "clinician").id, expiresAtUnixMs);
}

/** A client that has signed in as a new clinician. */
export function readerOf(site: TestInstallation): Promise<ApiClient> {
  return ApiClient.signIn(site.server.url, linkFor(site.store, site.tenant, site.clock.unixMs + 60_000));
}

/** Leads and header of an answer with many numbers. */
export interface Framed {
  readonly header: { readonly fromFrame: number; readonly toFrame: number; readonly framesPerBucket: number };
  readonly leads: readonly Int32Array[];
}

export async function readFramed(site: TestInstallation, cookie: string, path: string): Promise<Framed> {
  const response = await fetch(`${site.server.url}/api/v1/${path}`, { headers: { cookie } });
  if (!response.ok) throw new Error(`${path} gave ${response.status} ${await response.text()}`);
  const body = await response.arrayBuffer();
  const headerBytes = new DataView(body).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, headerBytes))) as Framed["header"] & {
    leads: readonly { offsetBytes: number; sampleCount: number }[];
  };
  const leads = header.leads.map(
    ({ offsetBytes, sampleCount }) => new Int32Array(body, 4 + headerBytes + offsetBytes, sampleCount),
  );
  return { header, leads };
}

/** Every sample of a recording as a reader gets it, lead by lead. */
export async function readAll(client: ApiClient, recording: TestRecording): Promise<readonly Int32Array[]> {
  const { frameCount } = await client.recording(recording.id);
  const leads: number[][] = recording.shape.leads.map(() => []);
  for await (const answer of client.allSamples({ id: recording.id, frameCount })) {
    for (const [i, lead] of answer.leads.entries()) leads[i]?.push(...lead);
  }
  return leads.map((lead) => Int32Array.from(lead));
}

/** Every sample of a recording as it was made, with each lead's own code where nothing was. */
export function everySample(recording: TestRecording): readonly Int32Array[] {
  const code = (lead: number): number => recording.shape.leads[lead]?.missingCode ?? NO_SAMPLE;
  return recording.truth(0, recording.frameCount, recording.made, code);
}
