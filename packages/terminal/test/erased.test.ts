import { ed25519Private, signMessage, systemRandom } from "@pericard/crypto";
import { Erased, KeyId, problem, utf8, type RecordingId } from "@pericard/protocol";
import { readProvision } from "@pericard/trsm";
import { beforeEach, describe, expect, test } from "vitest";
import { PushSource } from "./support/array-source.ts";
import { NEVER, openBench } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock } from "./support/test-clock.ts";
import { PLAIN, type Received } from "./support/test-server.ts";
import { deployBench, hashesIn, recorded, SECOND, upload, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
let bench: UploadBench;

beforeEach(() => {
  bench = deployBench(shared);
});

const recordingOf = (segments: readonly Received[]): RecordingId => {
  const [first] = segments;
  if (!first) throw new Error("nothing was sent");
  return first.header.recording;
};

/** Uploads with the server silent, answering with that mail instead. */
async function answeredWith(makeMail: (segments: readonly Received[]) => readonly Uint8Array[]) {
  const clock = new TestClock();
  const own = await recorded(bench, 2, clock);
  bench.server.judge = () => "silent";
  const stop = new AbortController();
  const uploading = own.terminal.upload({ signal: stop.signal });
  await clock.advance(100);
  bench.server.mail = [...makeMail(bench.server.envelopes.flat())];
  await clock.advance(40_000);
  stop.abort();
  await uploading;
  return own;
}

describe("erased", () => {
  test("items leave the journal, are not sent again, and stay gone over a restart", async () => {
    const own = await recorded(bench, 3);
    bench.server.judge = () => "erased";
    await upload(own);
    expect(own.terminal.status().journal).toMatchObject({ items: 0, quarantined: 0 });
    expect(own.events).toContainEqual({
      type: "erased",
      recording: recordingOf(bench.server.envelopes.flat()),
      itemCount: 4,
    });
    const sent = bench.server.envelopes.length;
    const again = openBench(bench.folder.afterPowerCut(0), bench.server);
    await upload(again);
    expect(again.terminal.status().journal.items).toBe(0);
    expect(bench.server.envelopes).toHaveLength(sent);
    expect(bench.server.gaps).toEqual([]);
  });

  test("exactly those that it lists: the others wait for their receipt", async () => {
    const own = await answeredWith((segments) => [
      bench.server.erased(bench.routing, recordingOf(segments), hashesIn(segments).slice(0, 1)),
    ]);
    expect(own.terminal.status().journal.items).toBe(2);
  });

  test("a live recorder leaves the recording; what it records then is another one, and its open window is not lost", async () => {
    const clock = new TestClock();
    const own = openBench(bench.folder, bench.server, { profile: SECOND, clock });
    const source = new PushSource();
    let erasedRecording: RecordingId | undefined;
    bench.server.judge = ({ header }) => {
      erasedRecording ??= header.recording;
      return header.recording === erasedRecording ? "erased" : "receipt";
    };
    const recording = own.terminal.record(source, { signal: NEVER, upload: true });
    source.push(150);
    await clock.advance(2000);
    source.push(200);
    source.end();
    await clock.advance(2000);
    await recording;
    const [kept = ""] = bench.server.recordings;
    expect(bench.server.recordings).toHaveLength(1);
    expect(kept).not.toBe(erasedRecording);
    const [first] = bench.server.segmentsOf(kept);
    expect(first?.body.descriptor.predecessor).toEqual({ recording: erasedRecording, cause: "patient" });
    expect(bench.server.samplesOf(kept)[0]).toHaveLength(250);
  });

  test.each<{ name: string; mail: (segments: readonly Received[]) => readonly Uint8Array[] }>([
    {
      name: "one that another key signed",
      mail: (segments) => {
        const payload = Erased.encode({
          routing: bench.routing,
          erasedAtUnixMs: 1,
          recording: recordingOf(segments),
          hashes: hashesIn(segments),
        });
        const { keyId } = bench.server.receiptKey;
        return [signMessage(ed25519Private(systemRandom(32)), "pericard/erased", KeyId.toBytes(keyId), payload)];
      },
    },
    {
      name: "one for another terminal",
      mail: (segments) => {
        const other = readProvision(bench.installation.deployInMemory()).routing;
        return [bench.server.erased(other, recordingOf(segments), hashesIn(segments))];
      },
    },
    {
      name: "one that names another recording than the items'",
      mail: (segments) => [bench.server.erased(bench.routing, "00".repeat(16) as RecordingId, hashesIn(segments))],
    },
    {
      name: "one that a receipt's type is put over",
      mail: (segments) => {
        const payload = Erased.encode({
          routing: bench.routing,
          erasedAtUnixMs: 1,
          recording: recordingOf(segments),
          hashes: hashesIn(segments),
        });
        return [bench.server.sign("pericard/receipt", payload)];
      },
    },
  ])("$name deletes nothing", async ({ mail }) => {
    const own = await answeredWith(mail);
    expect(own.terminal.status().journal.items).toBe(3);
  });

  test("problem+json that says so deletes nothing", async () => {
    const clock = new TestClock();
    const own = await recorded(bench, 2, clock);
    const refusal = utf8(JSON.stringify(problem(410, "ERR_RECORDING_ERASED", "recording was erased")));
    bench.server.intercept = () => ({
      status: 410,
      mail: refusal,
      problemCode: "ERR_RECORDING_ERASED",
      ...PLAIN,
    });
    const stop = new AbortController();
    const uploading = own.terminal.upload({ signal: stop.signal });
    await clock.advance(60_000);
    stop.abort();
    await uploading;
    expect(own.terminal.status().journal).toMatchObject({ items: 3, quarantined: 0 });
  });
});
