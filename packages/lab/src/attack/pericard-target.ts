/** Suite pericard-1 under attack: a deployed terminal's module, and the real server. */
import { ed25519Private, rawPublicKey, signMessage, systemRandom, x25519Private, x25519Public } from "@pericard/crypto";
import { encodeLeadResidual } from "@pericard/ecg";
import { deployTerminal } from "@pericard/factory";
import { encodeSign1, parseEnvelope, parseSegment, parseSigned, RoutingId } from "@pericard/protocol";
import { openTerminalModule } from "@pericard/trsm";
import { Chain } from "./chain.ts";
import { Flash } from "./flash.ts";
import { nameOf } from "./paper-a.ts";
import { describeLeads } from "./recording.ts";
import type { AttackSite } from "./site.ts";
import type { Judge, Target } from "./target.ts";

/** A new terminal. @param judge who decides on its messages. */
export function createPericardTarget(site: AttackSite, judge: Judge = site.judge): Target {
  const flash = new Flash();
  const { serial, routing } = deployTerminal(site.factory, site.tenant.id, flash.folder, []);
  const [hpke] = site.store.serverKeys("hpke");
  if (!hpke) throw new TypeError("key store has no hpke key");
  const recipient = { hpkeKey: hpke.keyId, hpkePublic: x25519Public(hpke.publicBytes) };
  const open = () => openTerminalModule(flash.folder, systemRandom, Date.now);
  let module = open();
  const chain = new Chain();
  const signAsOther = createOtherSigner(site);
  return {
    name: "pericard-1",
    seal: (leads) => {
      const descriptor = describeLeads(leads, chain.frame);
      const names = descriptor.shape.leads.map(({ name }) => name);
      const body = { descriptor, codec: "lead-residual", encoded: encodeLeadResidual(leads, names) } as const;
      const bytes = module.sealSegment(chain.next, body);
      chain.add(bytes, descriptor.frameCount);
      return { id: nameOf(bytes), use: parseSegment(bytes).header, bytes };
    },
    sealedSamples: (bytes) => parseSegment(bytes).ciphertext,
    upload: (items) => module.sealEnvelope(recipient, routing, items),
    ciphertext: (message) => parseEnvelope(parseSigned(message).payload).ciphertext,
    visible: (message) => message,
    withoutSignature: (message) => {
      const signed = parseSigned(message);
      return [encodeSign1({ ...signed, signature: new Uint8Array(64) }), signAsOther(signed.payload)];
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

/** A registered terminal of the attacker's, under whose signature a payload can be sent on. */
function createOtherSigner({ store, tenant }: AttackSite): (payload: Uint8Array) => Uint8Array {
  const { serial } = store.allocateTerminal(tenant.id, systemRandom(960), Date.now());
  const key = ed25519Private(systemRandom(32));
  const { routing } = store.activateTerminal(serial, rawPublicKey(key), rawPublicKey(x25519Private(systemRandom(32))));
  return (payload) => signMessage(key, "pericard/envelope", RoutingId.toBytes(routing), payload);
}
