/** The soft module: loaded once, opened by its authorisation, restored without harm. */
import {
  deploymentProof,
  deriveGroupKey,
  ed25519Public,
  keyIdOf,
  openEnvelope,
  openSegment,
  rawPublicKey,
  systemRandom,
  verifyMessage,
  x25519Private,
  x25519Public,
} from "@pericard/crypto";
import { createMemoryFolder } from "@pericard/framelog";
import {
  BootId,
  Gap,
  parseEnvelope,
  parseSegment,
  parseSigned,
  RecordingId,
  RoutingId,
  SUITE,
  TenantId,
  toHex,
  type WaveformDescriptor,
} from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { loadSoftTrsm, openSoftTrsm } from "../src/index.ts";
import { loadModule, SERIAL, TENANT, type LoadedModule } from "./support/modules.ts";

const recording = RecordingId.parse("05".repeat(16));
const routing = RoutingId.parse("06".repeat(8));
const request = { recording, stream: 0, sequence: 3, prev: null, final: false };
const descriptor: WaveformDescriptor = {
  kind: 1,
  boot: null,
  claimed: null,
  firstFrame: 0,
  frameCount: 0,
  shape: {
    frameRateHz: { num: 250, den: 1 },
    leads: [
      {
        name: "I",
        units: "mV",
        gainAduPerUnit: "200",
        baselineAdu: 0,
        samplesPerFrame: 1,
        skewFrames: 0,
        adcResolutionBits: 12,
        adcZeroAdu: 0,
        missingCode: null,
      },
    ],
  },
  predecessor: null,
};
const body = { descriptor, codec: "lead-residual", encoded: new Uint8Array([1, 2, 3]) } as const;

let loaded: LoadedModule;
beforeEach(() => {
  loaded = loadModule();
});

const binding = { suite: SUITE.pericard1, tenant: TENANT, terminal: SERIAL };

describe("loading", () => {
  test("is done once: a second one is refused and changes nothing", () => {
    const before = loaded.folder.list().map((name) => toHex(loaded.folder.bytesOf(name)));
    const load = { block: systemRandom(960), serial: SERIAL, blockIndex: 1, rootPin: systemRandom(16) };
    expect(() => loadSoftTrsm(loaded.folder, systemRandom(32), load, systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_LOADED" }),
    );
    expect(loaded.folder.list().map((name) => toHex(loaded.folder.bytesOf(name)))).toEqual(before);
  });

  test("leaves nothing secret in clear", () => {
    const files = Buffer.concat(loaded.folder.list().map((name) => loaded.folder.bytesOf(name)));
    for (const secret of [loaded.block.subarray(0, 8), loaded.identitySeed, loaded.authorisation]) {
      expect(files.indexOf(secret)).toBe(-1);
    }
  });

  test("draws an identity of its own, which does not come from the block", () => {
    const other = createMemoryFolder();
    const { authorisation, block, rootPin } = loaded;
    loadSoftTrsm(other, authorisation, { block, serial: SERIAL, blockIndex: 6, rootPin }, systemRandom);
    const twin = openSoftTrsm(other, authorisation, TENANT, systemRandom);
    expect(twin.signPublicKey).not.toEqual(loaded.open().signPublicKey);
    expect(twin.agreePublicKey).not.toEqual(loaded.open().agreePublicKey);
  });

  test.each([0, 15])("with an authorisation of %i bytes is refused", (sizeBytes) => {
    const load = { block: loaded.block, serial: SERIAL, blockIndex: 1, rootPin: loaded.rootPin };
    expect(() => loadSoftTrsm(createMemoryFolder(), systemRandom(sizeBytes), load, systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }),
    );
  });

  test("that stopped after any of its writes can be begun again, or is finished", () => {
    const load = { block: loaded.block, serial: SERIAL, blockIndex: 1, rootPin: loaded.rootPin };
    for (let allowed = 0; allowed < 3; allowed += 1) {
      const folder = createMemoryFolder();
      let left = allowed;
      const failing = {
        ...folder,
        replace: (name: string, contents: Uint8Array): void => {
          if (left === 0) throw new Error("power is gone");
          left -= 1;
          folder.replace(name, contents);
        },
      };
      const attempt = (): void => loadSoftTrsm(failing, loaded.authorisation, load, systemRandom);
      if (allowed < 2) {
        expect(attempt).toThrow("power is gone");
        loadSoftTrsm(folder, loaded.authorisation, load, systemRandom);
      } else attempt();
      expect(openSoftTrsm(folder, loaded.authorisation, TENANT, systemRandom).terminal).toBe(SERIAL);
    }
  });
});

describe("opening", () => {
  test("gives the same module again", () => {
    const [one, two] = [loaded.open(), loaded.open()];
    expect([one.terminal, one.rootPin]).toEqual([SERIAL, loaded.rootPin]);
    expect(one.signPublicKey).toEqual(two.signPublicKey);
    expect(one.agreePublicKey).toEqual(two.agreePublicKey);
  });

  test("with another authorisation, or none, is refused", () => {
    for (const wrong of [systemRandom(32), loaded.authorisation.subarray(0, 31), new Uint8Array(0)]) {
      expect(() => openSoftTrsm(loaded.folder, wrong, TENANT, systemRandom)).toThrow(
        expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }),
      );
    }
  });

  test("a file with any byte changed is refused", () => {
    const bytes = loaded.folder.bytesOf("trsm.sealed");
    for (let at = 0; at < bytes.length; at += 13) {
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      expect(() => loaded.open(), `byte ${at}`).toThrow(expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }));
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
    }
    loaded.open();
  });

  test("an empty folder, and one without counters, are refused", () => {
    const empty = createMemoryFolder();
    expect(() => openSoftTrsm(empty, loaded.authorisation, TENANT, systemRandom)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_EMPTY" }),
    );
    loaded.folder.remove("trsm.counters");
    expect(() => loaded.open()).toThrow(expect.objectContaining({ code: "ERR_TRSM_COUNTER" }));
  });

  test("counters that were damaged are refused, not begun anew", () => {
    loaded.folder.replace("trsm.counters", new Uint8Array([1, 2, 3]));
    expect(() => loaded.open()).toThrow(expect.objectContaining({ code: "ERR_TRSM_COUNTER" }));
  });
});

describe("what it seals", () => {
  test("opens with its block, its tenant and its numbers, and nothing else", () => {
    const module = loaded.open();
    const sealed = module.sealSegment(request, body);
    const parsed = parseSegment(sealed);
    expect(parsed.header).toMatchObject({ ...request, tenant: TENANT, terminal: SERIAL, cycle: 0, index: 0, use: 0 });
    const key = deriveGroupKey(loaded.block, binding, "storage", 0, 0);
    expect(openSegment(key, parsed).body).toMatchObject(body);
    expect(module.openSegment(sealed)).toMatchObject(body);
    const other = { ...binding, tenant: TenantId.parse("0b".repeat(16)) };
    for (const wrong of [
      deriveGroupKey(loaded.block, other, "storage", 0, 0),
      deriveGroupKey(loaded.block, binding, "transport", 0, 0),
      deriveGroupKey(loaded.block, binding, "storage", 0, 1),
      deriveGroupKey(loaded.block, binding, "storage", 1, 0),
    ]) {
      expect(() => openSegment(wrong, parsed)).toThrow(expect.objectContaining({ code: "ERR_KEY_COMMITMENT" }));
    }
    expect(() => loadModule().open().openSegment(sealed)).toThrow(
      expect.objectContaining({ code: "ERR_KEY_COMMITMENT" }),
    );
  });

  test("counts one use each", () => {
    const module = loaded.open();
    const uses = [0, 1, 2].map(() => parseSegment(module.sealSegment(request, body)).header.use);
    expect(uses).toEqual([0, 1, 2]);
    expect(module.keyUse).toMatchObject({ cycle: 0, index: 0, use: 3 });
  });

  test("in envelopes opens with the server's key and the block together, under its signature", () => {
    const module = loaded.open();
    const server = x25519Private(systemRandom(32));
    const publicBytes = rawPublicKey(server);
    const recipient = { hpkeKey: keyIdOf(publicBytes), hpkePublic: x25519Public(publicBytes) };
    const segments = [module.sealSegment(request, body), module.sealSegment({ ...request, sequence: 4 }, body)];
    const message = parseSigned(module.sealEnvelope(recipient, routing, segments));
    expect([message.type, toHex(message.keyIdBytes)]).toEqual(["pericard/envelope", routing]);
    verifyMessage(ed25519Public(module.signPublicKey), message);
    const transportKey = deriveGroupKey(loaded.block, binding, "transport", 0, 0);
    const envelope = parseEnvelope(message.payload);
    expect(openEnvelope({ privateKey: server, publicBytes }, transportKey, envelope)).toEqual(segments);
    const stolen = { privateKey: server, publicBytes };
    expect(() => openEnvelope(stolen, systemRandom(32), envelope)).toThrow(
      expect.objectContaining({ code: "ERR_SEAL_BROKEN" }),
    );
  });

  test("and signs carries its signature", () => {
    const module = loaded.open();
    const bootId = BootId.parse("00".repeat(8));
    const place = { recording, stream: 0, sequence: 1 };
    const payload = Gap.encode({ routing, ...place, cause: "unreadable", bootId, monotonicMs: 1 });
    const message = parseSigned(module.sign("pericard/gap", routing, payload));
    verifyMessage(ed25519Public(module.signPublicKey), message);
    expect(message.payload).toEqual(payload);
  });
});

test("the answer to a challenge proves the block and vouches for the public keys", () => {
  const module = loaded.open();
  const challenge = systemRandom(32);
  const { signPublicKey, agreePublicKey } = module;
  const about = { challenge, signPublicKey, agreePublicKey };
  expect(module.answerChallenge(challenge)).toEqual(deploymentProof(loaded.block, binding, about));
  expect(module.answerChallenge(systemRandom(32))).not.toEqual(deploymentProof(loaded.block, binding, about));
});

describe("a module that was restored from an old copy", () => {
  test("may repeat a use, never a salt, and so never a key with its nonce", () => {
    const copy = new Map(loaded.folder.list().map((name) => [name, loaded.folder.bytesOf(name).slice()]));
    const seal = (): readonly Uint8Array[] => {
      const module = loaded.open();
      return Array.from({ length: 20 }, () => module.sealSegment(request, body));
    };
    const first = seal();
    for (const [name, bytes] of copy) loaded.folder.replace(name, bytes);
    const second = seal();
    const headers = [...first, ...second].map((bytes) => parseSegment(bytes).header);
    expect(new Set(headers.map(({ use }) => use)).size).toBe(20);
    expect(new Set(headers.map(({ salt }) => toHex(salt))).size).toBe(40);
    expect(new Set(headers.map(({ commitment }) => toHex(commitment))).size).toBe(40);
  });

  test("hands out contacts again, which the server refuses as replays, but none twice in one life", () => {
    const module = loaded.open();
    const contacts = [module.takeContact(), module.takeContact(), loaded.open().takeContact()];
    expect(contacts).toEqual([...new Set(contacts)].toSorted((a, b) => a - b));
  });
});
