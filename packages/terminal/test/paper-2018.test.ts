/** Terminals of suite paper-2018: what they record, in which order they compress, and how they go on. */
import {
  openPaperEnvelope,
  openPaperSegment,
  PAPER_GROUP,
  paperAgreement,
  paperRsaPrivate,
  paperRsaPublic,
  paperStorageKey,
  paperTransportKey,
  sealPaperKeyOrder,
  sha256,
  systemRandom,
  verifyPaperEnvelope,
} from "@pericard/crypto";
import { deployPaperTerminal } from "@pericard/factory";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import { BYTE_CODECS, getSegmentCodec, type SegmentCodecName } from "@pericard/ecg";
import {
  decodePaperContent,
  encodeMail,
  isPaperEnvelope,
  isPaperKeyMessage,
  PAPER_CONTENT_BYTES_MAX,
  PaperKeyAnswer,
  PaperKeyOffer,
  parsePaperEnvelope,
  parsePaperSegment,
  parseSigned,
  RoutingId,
  toHex,
  type PaperEnvelope,
  type PaperSegment,
} from "@pericard/protocol";
import { asPublicTestData, createSyntheticFile, systemClock, Terminal, type PostAnswer } from "@pericard/terminal";
import { describe, expect, test } from "vitest";
import { fileSource, PushSource, samplesOf } from "./support/array-source.ts";
import { NEVER, openBench, record } from "./support/bench.ts";
import { PLAIN } from "./support/test-server.ts";
import { Installation } from "./support/deployed.ts";
import { TestServer } from "./support/test-server.ts";

/** What arrived, opened with the keys of the key store. */
interface Arrived {
  readonly envelope: PaperEnvelope;
  readonly segments: readonly (PaperSegment & { readonly hash: Uint8Array; readonly samples: Uint8Array })[];
}

/** A server that opens paper-2018 and receipts, or contradicts the first segment. */
class PaperServer {
  readonly installation = new Installation();
  readonly answers = new TestServer(this.installation);
  readonly arrived: Arrived[] = [];
  readonly statements: string[] = [];
  contradictNext = false;
  /** Mail for the next status. */
  mail: readonly Uint8Array[] = [];
  /** What an answer of a key change is answered with. */
  order: (answer: Uint8Array) => Uint8Array = () => new Uint8Array(0);
  readonly folder: MemoryFolder = createMemoryFolder();

  constructor() {
    const { factory, tenant } = this.installation;
    deployPaperTerminal(factory, tenant.id, this.folder, [{ url: "http://127.0.0.1:1", token: "t" }]);
  }

  open(options: { readonly codec?: SegmentCodecName } = {}): Terminal {
    const transport = {
      sentBytes: 0,
      target: null,
      preferred: null,
      heard: () => undefined,
      quietSinceMs: () => 0,
      doubt: () => undefined,
      close: () => undefined,
      post: (body: Uint8Array): Promise<PostAnswer> =>
        Promise.resolve({ status: 200, mail: encodeMail(this.#receive(body)), problemCode: null, ...PLAIN }),
    };
    const ports = { folder: this.folder, clock: systemClock, random: systemRandom, transport: () => transport };
    return new Terminal(ports, options);
  }

  get segments() {
    return this.arrived.flatMap(({ segments }) => segments);
  }

  #receive(body: Uint8Array): readonly Uint8Array[] {
    if (isPaperKeyMessage(body)) return [this.order(body)];
    if (!isPaperEnvelope(body)) {
      this.statements.push(parseSigned(body).type);
      const { mail } = this;
      this.mail = [];
      return mail;
    }
    const arrived = this.#openEnvelope(parsePaperEnvelope(body));
    this.arrived.push(arrived);
    const { routing } = arrived.envelope;
    const [first] = arrived.segments;
    if (this.contradictNext && first) {
      this.contradictNext = false;
      return [this.answers.conflict(routing, first, "sequence")];
    }
    return [
      this.answers.receipt(
        routing,
        arrived.segments.map(({ hash }) => hash),
      ),
    ];
  }

  #openEnvelope(envelope: PaperEnvelope): Arrived {
    const { store, tenant } = this.installation;
    const { serial } = this.installation.terminalOf(this.folder);
    const { leave, privateDer } = store.getPaperTenant(tenant.id);
    const block = store.openBlock(serial);
    verifyPaperEnvelope(leave, paperRsaPublic(leave, store.findEnvelopeKey(serial) ?? new Uint8Array(0)), envelope);
    const keys = {
      recipient: paperRsaPrivate(leave, privateDer),
      transportKey: paperTransportKey(leave, block, envelope.index),
    };
    const encoded = openPaperEnvelope(leave, keys, envelope);
    const content = BYTE_CODECS[envelope.codec].decode(encoded, PAPER_CONTENT_BYTES_MAX);
    const segments = decodePaperContent(content).map((sealed) => {
      const segment = parsePaperSegment(sealed);
      const samples = openPaperSegment(leave, paperStorageKey(leave, block, segment.header.index), segment);
      return { ...segment, hash: sha256(sealed), samples };
    });
    return { envelope, segments };
  }
}

const SOURCE = asPublicTestData(fileSource(2500));
const LIMITS = { leadCountMax: 64, sampleCountMax: 4_000_000 };

function samplesIn(server: PaperServer, lead: number): readonly number[] {
  return server.segments.flatMap(({ samples }) => [...(getSegmentCodec("raw").decode(samples, LIMITS)[lead] ?? [])]);
}

describe("a terminal of suite paper-2018", () => {
  test("encrypts samples, journals, then compresses and encrypts again; the samples come back", async () => {
    const server = new PaperServer();
    const terminal = server.open();
    const report = await terminal.record(SOURCE, { signal: NEVER, upload: true });
    terminal.close();
    expect(report.pendingItems).toBe(0);
    expect(samplesIn(server, 0)).toEqual(samplesOf(0, 0, 2500));
    expect(samplesIn(server, 1)).toEqual(samplesOf(1, 0, 2500));
    expect(new Set(server.arrived.map(({ envelope }) => envelope.codec))).toEqual(new Set(["dedup+gzip"]));
    expect(server.statements).toContain("pericard/status");
    const [first, second] = server.segments;
    expect(second?.header.prev).toEqual(first?.hash);
    expect(server.segments.at(-1)?.header.final).toBe(true);
  });

  test("compresses with the codec that was chosen, and refuses one that encodes samples", async () => {
    const server = new PaperServer();
    const terminal = server.open({ codec: "gzip" });
    await terminal.record(SOURCE, { signal: NEVER, upload: true });
    terminal.close();
    expect(server.arrived[0]?.envelope.codec).toBe("gzip");
    for (const codec of ["lead-residual", "raw"] as const) {
      expect(() => server.open({ codec })).toThrow(expect.objectContaining({ code: "ERR_SUITE_REFUSED" }) as Error);
    }
  });

  test("takes synthetic data and public test data, and nothing that may be a person's", async () => {
    const server = new PaperServer();
    const terminal = server.open();
    const refused = expect.objectContaining({ code: "ERR_SUITE_REFUSED" }) as Error;
    await expect(record(terminal, fileSource(100))).rejects.toThrow(refused);
    await expect(record(terminal, new PushSource())).rejects.toThrow(refused);
    expect(terminal.status().journal.items).toBe(0);
    await record(terminal, createSyntheticFile({ seed: 1 }, 1000));
    await record(terminal, SOURCE);
    expect(terminal.status().journal.items).toBeGreaterThan(1);
    terminal.close();
  });

  test("goes on in its recording after a restart, from what is journalled", async () => {
    const server = new PaperServer();
    const stop = new AbortController();
    const first = server.open();
    first.onEvent(({ type }) => type === "segment" && stop.abort());
    await first.record(SOURCE, { signal: stop.signal, upload: false });
    const before = first.status().journal.items;
    first.close();
    const second = server.open();
    expect(second.status().journal.items).toBe(before);
    await second.record(SOURCE, { signal: NEVER, upload: true });
    second.close();
    expect(new Set(server.segments.map(({ header }) => header.recording)).size).toBe(1);
    expect(samplesIn(server, 0)).toEqual(samplesOf(0, 0, 2500));
    const uses = server.segments.map(({ header }) => header.use);
    expect(new Set(uses).size).toBe(uses.length);
  });

  test("seals a contradicted segment anew, with the same samples, in a recording of its own", async () => {
    const server = new PaperServer();
    server.contradictNext = true;
    const terminal = server.open();
    const source = asPublicTestData(fileSource(500));
    const report = await terminal.record(source, { signal: NEVER, upload: true });
    terminal.close();
    expect(report.pendingItems).toBe(0);
    const [contradicted] = server.segments;
    const anew = server.segments.find(({ descriptor }) => descriptor.predecessor?.cause === "conflict");
    expect(anew?.header.recording).not.toBe(contradicted?.header.recording);
    expect(toHex(anew?.samples ?? new Uint8Array(0))).toBe(toHex(contradicted?.samples ?? new Uint8Array(1)));
  });

  test("fetches nothing back: it has no key that something could be sealed to", () => {
    const server = new PaperServer();
    const terminal = server.open();
    expect(() => terminal.fetchBack()).toThrow(expect.objectContaining({ code: "ERR_SUITE_REFUSED" }));
    terminal.close();
  });

  test("says its suite in its status", () => {
    const server = new PaperServer();
    const terminal = server.open();
    expect(terminal.status().suite).toBe("paper-2018");
    terminal.close();
  });
});

describe("a key change of paper-2018", () => {
  test("is carried by one contact, signed by nobody", async () => {
    const server = new PaperServer();
    const { installation, folder } = server;
    const { routing, tenant } = installation.terminalOf(folder);
    const { leave } = installation.store.getPaperTenant(tenant);
    const agreement = paperAgreement(leave, PAPER_GROUP);
    const { secret, publicKey } = agreement.draw(systemRandom);
    server.mail = [PaperKeyOffer.encode({ routing, version: 1, publicKey })];
    server.order = (answer) => {
      const shared = agreement.agree(secret, PaperKeyAnswer.decode(answer).publicKey);
      const effectiveFrom = { cycle: 0, index: 0, use: 0 };
      return sealPaperKeyOrder(leave, shared, routing, { version: 1, maximum: 5000, effectiveFrom });
    };
    const terminal = server.open();
    const events: unknown[] = [];
    terminal.onEvent((event) => events.push(event));
    await terminal.upload({ signal: NEVER });
    expect(events).toContainEqual({ type: "key-change", version: 1, maximum: 5000 });
    expect(server.statements).toContain("pericard/key-taken");
    terminal.close();
    const again = server.open();
    expect(again.status().keyUse).toMatchObject({ maximum: 5000, policyVersion: 1 });
    again.close();
  });

  test("is not taken for another terminal, malformed, or as a terminal's own: it is counted and not answered", async () => {
    const server = new PaperServer();
    const { routing } = server.installation.terminalOf(server.folder);
    const other = RoutingId.parse("07".repeat(8));
    const publicKey = new Uint8Array(48).with(47, 2);
    const offer = PaperKeyOffer.encode({ routing, version: 1, publicKey });
    server.mail = [
      PaperKeyOffer.encode({ routing: other, version: 1, publicKey }),
      PaperKeyAnswer.encode({ routing, offerHash: sha256(offer), publicKey }),
      offer.slice(0, -1),
    ];
    const terminal = server.open();
    await terminal.upload({ signal: NEVER });
    expect(terminal.status().upload.badMail).toBe(3);
    expect(new Set(server.statements)).toEqual(new Set(["pericard/status"]));
    terminal.close();
  });

  test("makes a terminal of pericard-1 say nothing and change nothing", async () => {
    const installation = new Installation();
    const folder = installation.deployInMemory();
    const server = new TestServer(installation);
    const { routing } = installation.terminalOf(folder);
    server.mail = [PaperKeyOffer.encode({ routing, version: 1, publicKey: new Uint8Array(48).with(47, 2) })];
    const { terminal } = openBench(folder, server);
    await terminal.upload({ signal: NEVER });
    expect(terminal.status().upload.badMail).toBe(1);
    expect(new Set(server.bodies.map((body) => parseSigned(body).type))).toEqual(new Set(["pericard/status"]));
    terminal.close();
  });
});

test("a terminal of pericard-1 takes any source, and says its suite", async () => {
  const server = new TestServer(new Installation());
  const { terminal } = openBench(server.installation.deployInMemory(), server);
  await record(terminal, fileSource(100));
  expect(terminal.status().suite).toBe("pericard-1");
  terminal.close();
});
