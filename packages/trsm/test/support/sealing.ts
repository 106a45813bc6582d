/** What every loaded module seals, wraps and signs. */
import {
  deriveGroupKey,
  ed25519Public,
  keyIdOf,
  openEnvelope,
  openSegment,
  rawPublicKey,
  sealReturned,
  systemRandom,
  verifyMessage,
  x25519Private,
  x25519Public,
} from "@pericard/crypto";
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
import { loadModule, SERIAL, TENANT, type LoadedModule, type MakeBench } from "./modules.ts";

const recording = RecordingId.parse("05".repeat(16));
const routing = RoutingId.parse("06".repeat(8));
/** A segment that is sealed. */
export const request = { recording, stream: 0, sequence: 3, prev: null, final: false };
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
/** Its contents. */
export const body = { descriptor, codec: "lead-residual", encoded: new Uint8Array([1, 2, 3]) } as const;

const coded = (code: string): unknown => expect.objectContaining({ code });

const binding = { suite: SUITE.pericard1, tenant: TENANT, terminal: SERIAL };

/** Runs what is sealed on one adapter. */
export function describeSealing(makeBench: MakeBench): void {
  describe("what it seals", () => {
    let loaded: LoadedModule;
    beforeEach(() => {
      loaded = loadModule(makeBench());
    });

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
      expect(openEnvelope({ privateKey: server, publicBytes }, transportKey, envelope).segments).toEqual(segments);
      const stolen = { privateKey: server, publicBytes };
      expect(() => openEnvelope(stolen, systemRandom(32), envelope)).toThrow(
        expect.objectContaining({ code: "ERR_SEAL_BROKEN" }),
      );
    });

    test("is returned to it alone: its agreement key and its block together, for the request that it asked", () => {
      const module = loaded.open();
      const requestHash = systemRandom(32);
      const asked = { routing, requestHash };
      const returnKey = deriveGroupKey(loaded.block, binding, "return", 1, 7);
      const keys = { agreePublicKey: module.agreePublicKey, returnKey, cycle: 1, index: 7 };
      const content = { kind: "list", streams: [], more: false } as const;
      const page = sealReturned(keys, asked, content, systemRandom);
      expect(module.openReturned(page, asked)).toEqual(content);
      expect(() => module.openReturned(page, { ...asked, requestHash: systemRandom(32) })).toThrow(
        coded("ERR_RETURN_MISMATCH"),
      );
      expect(() => loadModule().open().openReturned(page, asked)).toThrow(coded("ERR_SEAL_BROKEN"));
      const wrongPsk = { ...keys, returnKey: deriveGroupKey(loaded.block, binding, "transport", 1, 7) };
      expect(() => module.openReturned(sealReturned(wrongPsk, asked, content, systemRandom), asked)).toThrow(
        coded("ERR_SEAL_BROKEN"),
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
}
