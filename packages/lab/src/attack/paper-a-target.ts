/** Paper A alone under attack: its terminal, and the lab's own receiver. */
import { systemRandom } from "@pericard/crypto";
import { TerminalId } from "@pericard/protocol";
import { Counters, type CounterStore } from "@pericard/trsm";
import { encodePaperA, nameOf, PaperAReceiver, parsePaperA, sealPaperA } from "./paper-a.ts";
import { rawSamples } from "./recording.ts";
import type { AttackSite } from "./site.ts";
import type { Target } from "./target.ts";

/** The codec of the table that has no checksum: gzip's would notice an accident where the cipher does not. */
const CODEC = "dedup";

/** A new terminal with a block of its own. */
export function createPaperATarget({ leave }: AttackSite): Target {
  const keys = { leave, serial: TerminalId.fromBytes(systemRandom(6)), block: systemRandom(960) };
  const receiver = new PaperAReceiver(keys);
  let saved: Uint8Array | undefined;
  const flash: CounterStore = {
    load: () => saved,
    save: (bytes) => {
      saved = bytes;
    },
  };
  let counters = Counters.create(flash);
  return {
    name: "A",
    seal: (leads) => {
      const use = counters.takeUse();
      const bytes = sealPaperA(keys, use.index, rawSamples(leads));
      return { id: nameOf(bytes), use, bytes };
    },
    sealedSamples: (bytes) => bytes,
    upload: (items) => encodePaperA(keys, counters.current.index, CODEC, items),
    ciphertext: (message) => parsePaperA(message).ciphertext,
    visible: (message) => parsePaperA(message).ciphertext,
    withoutSignature: (message) => [message],
    judge: receiver.judge,
    keptBytes: () => receiver.keptBytes,
    copyFlash: () => {
      const copy = saved;
      return () => {
        saved = copy;
        counters = Counters.load(flash);
      };
    },
    beginRecording: () => undefined,
    alarms: () => [],
  };
}
