/** What the tests of uploads begin with: one installation, and for each test a terminal in memory and a server. */
import type { MemoryFolder } from "@pericard/framelog";
import type { RoutingId } from "@pericard/protocol";
import { readProvision } from "@pericard/trsm";
import { fileSource } from "./array-source.ts";
import { NEVER, openBench, record, type Bench } from "./bench.ts";
import type { Installation } from "./deployed.ts";
import type { TestClock } from "./test-clock.ts";
import { TestServer, type Received } from "./test-server.ts";

/** Windows of a second. */
export const SECOND = { segmentLengthMs: 1000 };

/** One terminal's folder and its server. */
export interface UploadBench {
  readonly installation: Installation;
  readonly folder: MemoryFolder;
  readonly server: TestServer;
  readonly routing: RoutingId;
}

/** Deploys a new terminal of an installation. */
export function deployBench(installation: Installation): UploadBench {
  const folder = installation.deployInMemory();
  const server = new TestServer(installation);
  return { installation, folder, server, routing: readProvision(folder).routing };
}

/** A terminal with so many segments of 100 frames in its journal, and an empty final one. */
export async function recorded({ folder, server }: UploadBench, count: number, clock?: TestClock): Promise<Bench> {
  const bench = openBench(folder, server, { profile: SECOND, ...(clock ? { clock } : {}) });
  await record(bench.terminal, fileSource(100 * count));
  return bench;
}

/** Uploads until everything is receipted. */
export function upload(bench: Pick<Bench, "terminal">): Promise<void> {
  return bench.terminal.upload({ signal: NEVER });
}

/** h of each segment. */
export function hashesIn(segments: readonly Received[]): readonly Uint8Array[] {
  return segments.map(({ hash }) => hash);
}
