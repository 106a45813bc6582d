/** Modules of suite paper-2018: what they seal, what they refuse, and that no key comes out. */
import {
  desDecrypt,
  openPaperEnvelope,
  openPaperSegment,
  paperBlockDigest,
  paperRsaPrivate,
  paperRsaPublic,
  paperStorageKey,
  paperTransportKey,
  paperUnwrapKey,
  SyntheticTenant,
  systemRandom,
  verifyPaperEnvelope,
} from "@pericard/crypto";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import {
  decodePaperCheck,
  decodePaperContent,
  encodePaperContent,
  parsePaperEnvelope,
  parsePaperSegment,
  RecordingId,
  RoutingId,
  TenantId,
  toHex,
} from "@pericard/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { DESCRIPTOR } from "../../../vectors/cases/body.ts";
import { LEAVE as VECTOR_LEAVE, SERVER_RSA } from "../../../vectors/cases/paper-fixtures.ts";
import {
  loadPaperTrsm,
  openModule,
  openTerminalModule,
  openTrsm,
  writeAuthorisation,
  writeProvision,
  type PaperModule,
} from "../src/index.ts";
import { openPaperTrsm } from "../src/paper-trsm.ts";
import { drawLoad, NOW_UNIX_MS, SERIAL, TENANT } from "./support/modules.ts";

const LEAVE = SyntheticTenant.admit({ id: TENANT, synthetic: true });
const ROUTING = RoutingId.parse("0b".repeat(8));
const SAMPLES = systemRandom(100);
const PLACE = { recording: RecordingId.parse("0c".repeat(16)), stream: 0, sequence: 0, prev: null, final: true };
const now = (): number => NOW_UNIX_MS;

const portsOf = (folder: MemoryFolder) => ({ folder, random: systemRandom, nowUnixMs: now });

function deploy(folder = createMemoryFolder(), tenant = TENANT) {
  const authorisation = systemRandom(32);
  const load = { ...drawLoad(), serverPublicDer: SERVER_RSA.publicDer };
  writeAuthorisation(folder, authorisation);
  loadPaperTrsm(portsOf(folder), LEAVE, authorisation, load);
  writeProvision(folder, { serial: SERIAL, tenant, routing: ROUTING, statements: [], targets: [] });
  return { folder, authorisation, load, module: openPaperTrsm(portsOf(folder), authorisation, TENANT) };
}

describe("a module of suite paper-2018", () => {
  let deployed: ReturnType<typeof deploy>;
  let module: PaperModule;
  let block: Uint8Array;
  beforeAll(() => {
    deployed = deploy();
    ({ module } = deployed);
    ({ block } = deployed.load);
  });

  test("seals samples under k_i and gives them back", () => {
    const sealed = module.sealSegment(PLACE, { descriptor: DESCRIPTOR, codec: "raw", encoded: SAMPLES });
    const parsed = parsePaperSegment(sealed);
    expect(desDecrypt(LEAVE, block.slice(0, 8), parsed.ciphertext)).toEqual(SAMPLES);
    expect(openPaperSegment(LEAVE, paperStorageKey(LEAVE, block, 0), parsed)).toEqual(SAMPLES);
    expect(module.openSegment(sealed)).toMatchObject({ codec: "raw", encoded: SAMPLES, descriptor: DESCRIPTOR });
    expect(parsed.header).toMatchObject({ terminal: SERIAL, tenant: TENANT, cycle: 0, index: 0 });
  });

  test("counts one use a segment", () => {
    const { use } = module.keyUse;
    module.sealSegment(PLACE, { descriptor: DESCRIPTOR, codec: "raw", encoded: SAMPLES });
    expect(module.keyUse.use).toBe(use + 1);
  });

  test("refuses samples that were compressed: the paper's order compresses later", () => {
    const body = { descriptor: DESCRIPTOR, codec: "lead-residual", encoded: SAMPLES } as const;
    expect(() => module.sealSegment(PLACE, body)).toThrow(RangeError);
  });

  test("seals an envelope to the server that the factory named, under MD5 of eight keys, and signs it", () => {
    const encoded = encodePaperContent([SAMPLES]);
    const { bytes, envelope } = module.sealEnvelope(ROUTING, { codec: "gzip", encoded });
    const parsed = parsePaperEnvelope(bytes);
    expect(parsed).toMatchObject({ envelope, routing: ROUTING, codec: "gzip", cycle: 0, index: 0 });
    verifyPaperEnvelope(LEAVE, paperRsaPublic(LEAVE, module.envelopePublicKey), parsed);
    const recipient = paperRsaPrivate(LEAVE, SERVER_RSA.privateDer);
    const transportKey = paperTransportKey(LEAVE, block, 0);
    expect(paperUnwrapKey(LEAVE, recipient, parsed.wrappedKey)).toEqual(transportKey);
    const opened = openPaperEnvelope(LEAVE, { recipient, transportKey }, parsed);
    expect(decodePaperContent(opened)).toEqual([SAMPLES]);
  });

  test("says the serial number and MD5 of the block, the same each time", () => {
    const check = module.deploymentCheck();
    expect(decodePaperCheck(check)).toEqual({ terminal: SERIAL, digest: paperBlockDigest(LEAVE, block) });
    expect(module.deploymentCheck()).toEqual(check);
  });

  test("goes on after a restart with later uses and the same keys", () => {
    const again = openPaperTrsm(portsOf(deployed.folder), deployed.authorisation, TENANT);
    expect(again.keyUse.use).toBeGreaterThan(module.keyUse.use - 1);
    expect(again.envelopePublicKey).toEqual(module.envelopePublicKey);
    expect(again.signPublicKey).toEqual(module.signPublicKey);
    expect(again.rootPin).toEqual(deployed.load.rootPin);
  });

  test("has these properties and no others, and none of them is a key of its block", () => {
    expect(Reflect.ownKeys(module).toSorted()).toEqual([
      "answerKeyOffer",
      "deploymentCheck",
      "envelopePublicKey",
      "keyUse",
      "openSegment",
      "refuseKeyChange",
      "rootPin",
      "sealEnvelope",
      "sealSegment",
      "sign",
      "signPublicKey",
      "suite",
      "takeContact",
      "takeKeyOrder",
      "terminal",
    ]);
    const shown = JSON.stringify(
      Object.values(module).map((value) => (value instanceof Uint8Array ? toHex(value) : value)),
    );
    for (let i = 0; i < 120; i += 1) expect(shown).not.toContain(toHex(block.slice(8 * i, 8 * i + 8)));
  });

  test("lies sealed on the disk: neither block nor private key is there in clear", () => {
    const { folder } = deployed;
    for (const name of ["trsm.sealed", "trsm.paper"]) {
      const bytes = toHex(folder.bytesOf(name) ?? new Uint8Array(0));
      expect(bytes).not.toContain(toHex(block.slice(0, 64)));
      // The head of every PKCS#8 of RSA.
      expect(bytes).not.toContain("300d06092a864886f70d010101");
      expect(bytes.length).toBeGreaterThan(1000);
    }
  });
});

describe("opening", () => {
  test("a folder gives the module of its suite", () => {
    const { folder } = deploy();
    expect(openModule(folder, systemRandom, now).suite).toBe(0);
    const other = createMemoryFolder();
    const authorisation = systemRandom(32);
    openTrsm(portsOf(other), { kind: "soft" }).load(authorisation, drawLoad());
    writeAuthorisation(other, authorisation);
    writeProvision(other, { serial: SERIAL, tenant: TENANT, routing: ROUTING, statements: [], targets: [] });
    expect(openModule(other, systemRandom, now).suite).toBe(1);
  });

  test("an image of one suite is not opened as the other's", () => {
    const { folder, authorisation } = deploy();
    const format = expect.objectContaining({ code: "ERR_TRSM_IMAGE_FORMAT" }) as Error;
    expect(() => openTerminalModule(folder, systemRandom, now)).toThrow(format);
    const pericard = createMemoryFolder();
    openTrsm(portsOf(pericard), { kind: "soft" }).load(authorisation, drawLoad());
    expect(() => openPaperTrsm(portsOf(pericard), authorisation, TENANT)).toThrow(format);
  });

  test("a provision that names another tenant is refused", () => {
    const { folder } = deploy(createMemoryFolder(), TenantId.parse("0d".repeat(16)));
    expect(() => openModule(folder, systemRandom, now)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_PROVISION" }) as Error,
    );
  });

  test("a wrong authorisation and changed files are refused", () => {
    const { folder, authorisation } = deploy();
    const refused = expect.objectContaining({ code: "ERR_TRSM_AUTHORISATION" }) as Error;
    expect(() => openPaperTrsm(portsOf(folder), systemRandom(32), TENANT)).toThrow(refused);
    const secrets = folder.bytesOf("trsm.paper") ?? new Uint8Array(0);
    folder.replace("trsm.paper", secrets.with(100, (secrets[100] ?? 0) ^ 1));
    expect(() => openPaperTrsm(portsOf(folder), authorisation, TENANT)).toThrow(refused);
    folder.remove("trsm.paper");
    expect(() => openPaperTrsm(portsOf(folder), authorisation, TENANT)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_EMPTY" }) as Error,
    );
  });
});

describe("loading", () => {
  test("is done once for life", () => {
    const { folder, load } = deploy();
    expect(() => loadPaperTrsm(portsOf(folder), LEAVE, systemRandom(32), load)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_LOADED" }) as Error,
    );
  });

  test("needs leave, and is for the leave's tenant", () => {
    const load = { ...drawLoad(), serverPublicDer: SERVER_RSA.publicDer };
    const ports = portsOf(createMemoryFolder());
    const forged = { id: TENANT, synthetic: true } as unknown as SyntheticTenant;
    expect(() => loadPaperTrsm(ports, forged, systemRandom(32), load)).toThrow(
      expect.objectContaining({ code: "ERR_SUITE_GUARD" }) as Error,
    );
    const authorisation = systemRandom(32);
    loadPaperTrsm(ports, VECTOR_LEAVE, authorisation, load);
    expect(() => openPaperTrsm(ports, authorisation, TENANT)).toThrow(
      expect.objectContaining({ code: "ERR_TRSM_PROVISION" }) as Error,
    );
  });
});
