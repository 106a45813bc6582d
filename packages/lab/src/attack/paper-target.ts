/** Suite paper-2018 under attack, paper A with paper B's envelope: a deployed terminal's module, and the real server. */
import {
  drawPaperRsaPair,
  ed25519Private,
  paperRsaPrivate,
  paperSign,
  rawPublicKey,
  systemRandom,
} from "@pericard/crypto";
import { BYTE_CODECS } from "@pericard/ecg";
import { deployPaperTerminal } from "@pericard/factory";
import {
  encodePaperContent,
  encodePaperEnvelope,
  PAPER_RSA_BYTES,
  paperSignedBytes,
  parsePaperEnvelope,
  parsePaperSegment,
} from "@pericard/protocol";
import { openPaperModule, PAPER_SAMPLE_CODEC } from "@pericard/trsm";
import { Chain } from "./chain.ts";
import { Flash } from "./flash.ts";
import { nameOf } from "./paper-a.ts";
import { describeLeads, rawSamples } from "./recording.ts";
import type { AttackSite } from "./site.ts";
import type { Judge, Target } from "./target.ts";

/** As for paper A alone. */
const CODEC = "dedup";

/** A new terminal. @param judge who decides on its messages. */
export function createPaperTarget(site: AttackSite, judge: Judge = site.judge): Target {
  const flash = new Flash();
  const { serial, routing } = deployPaperTerminal(site.factory, site.tenant.id, flash.folder, []);
  const open = () => openPaperModule(flash.folder, systemRandom, Date.now);
  let module = open();
  const chain = new Chain();
  const sealAsOther = createOtherSigner(site);
  return {
    name: "A+B",
    seal: (leads) => {
      const body = { descriptor: describeLeads(leads, chain.frame), codec: PAPER_SAMPLE_CODEC } as const;
      const bytes = module.sealSegment(chain.next, { ...body, encoded: rawSamples(leads) });
      chain.add(bytes, body.descriptor.frameCount);
      return { id: nameOf(bytes), use: parsePaperSegment(bytes).header, bytes };
    },
    sealedSamples: (bytes) => parsePaperSegment(bytes).ciphertext,
    upload: (items) => {
      const encoded = BYTE_CODECS[CODEC].encode(encodePaperContent(items));
      return module.sealEnvelope(routing, { codec: CODEC, encoded }).bytes;
    },
    ciphertext: (message) => parsePaperEnvelope(message).ciphertext,
    visible: (message) => parsePaperEnvelope(message).digest,
    withoutSignature: (message) => {
      const envelope = parsePaperEnvelope(message);
      const stripped = encodePaperEnvelope({ ...envelope, signature: new Uint8Array(PAPER_RSA_BYTES) });
      return [stripped, sealAsOther(message)];
    },
    judge,
    keptBytes: () => site.keptBytes(),
    copyFlash: () => {
      const steps = [flash.copy(), chain.copy()];
      return () => {
        for (const step of steps) step();
        module = open();
      };
    },
    beginRecording: () => chain.beginRecording(),
    alarms: () => site.alarms(serial),
  };
}

/** A registered terminal of the attacker's, under whose name and signature a message can be sent on. */
function createOtherSigner({ store, leave }: AttackSite): (message: Uint8Array) => Uint8Array {
  const block = { index: store.nextBlockIndex, block: systemRandom(960) };
  const { serial } = store.allocatePaperTerminal(leave, block, Date.now());
  const { privateDer, publicDer } = drawPaperRsaPair(leave);
  const signPublicKey = rawPublicKey(ed25519Private(systemRandom(32)));
  const { routing } = store.activatePaperTerminal({ serial, signPublicKey, envelopePublicKey: publicDer });
  const key = paperRsaPrivate(leave, privateDer);
  return (message) => {
    const envelope = parsePaperEnvelope(message);
    return encodePaperEnvelope({ ...envelope, routing, signature: paperSign(leave, key, paperSignedBytes(envelope)) });
  };
}
