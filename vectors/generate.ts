/**
 * Writes the vectors that this project makes itself: `node vectors/generate.ts`. The same sources give the same bytes.
 *
 * Source: vectors/README.md.
 */
import { writeFileSync } from "node:fs";
import { blobVectors, passphraseVectors } from "./cases/blob.ts";
import type { VectorFile } from "./cases/case.ts";
import { codecVectors } from "./cases/codec.ts";
import { kekTokenVectors, sequenceVectors, tokenValueVectors } from "./cases/custody.ts";
import { envelopeVectors } from "./cases/envelope.ts";
import { frameVectors, mailVectors } from "./cases/frame.ts";
import { keyOrderVectors } from "./cases/key-change.ts";
import { deploymentVectors, keyScheduleVectors } from "./cases/key-schedule.ts";
import { packageVectors } from "./cases/data-package.ts";
import { mqttAnswerVectors } from "./cases/mqtt-answer.ts";
import { observationVectors } from "./cases/observations.ts";
import { paperDeploymentVectors, paperDerivationVectors } from "./cases/paper-derivations.ts";
import { paperBVectors } from "./cases/paper-b.ts";
import { paperContentVectors, paperEnvelopeVectors } from "./cases/paper-envelope.ts";
import { paperKeyChangeVectors } from "./cases/paper-key-change.ts";
import { paperSegmentVectors } from "./cases/paper-segment.ts";
import { returnedVectors } from "./cases/returned.ts";
import { segmentVectors } from "./cases/segment.ts";
import { signedVectors } from "./cases/signed.ts";
import { intakeFileVectors, transferVectors } from "./cases/transfer.ts";
import { trsmRefusalVectors, trsmTpmCounterVectors } from "./cases/trsm-beside.ts";
import { trsmImageVectors } from "./cases/trsm-image.ts";

const MAKERS: Readonly<Record<string, () => VectorFile>> = {
  blob: blobVectors,
  codec: codecVectors,
  "data-package": packageVectors,
  deployment: deploymentVectors,
  envelope: envelopeVectors,
  frame: frameVectors,
  "intake-file": intakeFileVectors,
  "kek-token": kekTokenVectors,
  "key-order": keyOrderVectors,
  "key-schedule": keyScheduleVectors,
  mail: mailVectors,
  "mqtt-answer": mqttAnswerVectors,
  observations: observationVectors,
  "paper-b": paperBVectors,
  "paper-content": paperContentVectors,
  "paper-deployment": paperDeploymentVectors,
  "paper-derivations": paperDerivationVectors,
  "paper-envelope": paperEnvelopeVectors,
  "paper-key-change": paperKeyChangeVectors,
  "paper-segment": paperSegmentVectors,
  passphrase: passphraseVectors,
  returned: returnedVectors,
  segment: segmentVectors,
  sequence: sequenceVectors,
  signed: signedVectors,
  "token-value": tokenValueVectors,
  transfer: transferVectors,
  "trsm-image": trsmImageVectors,
  "trsm-refusals": trsmRefusalVectors,
  "trsm-tpm-counters": trsmTpmCounterVectors,
};

/** Every generated file by its name, as text. @throws {RangeError} when two cases of a file have one name. */
export function generateVectors(): ReadonlyMap<string, string> {
  return new Map(Object.entries(MAKERS).map(([name, make]) => [`${name}.json`, textOf(make())]));
}

function textOf(file: VectorFile): string {
  const names = file.cases.map(({ name }) => name);
  if (new Set(names).size !== names.length) throw new RangeError(`${file.structure}: two cases have one name`);
  return `${JSON.stringify({ format: "pericard-vectors/1", ...file }, undefined, 1)}\n`;
}

if (import.meta.main) {
  for (const [name, text] of generateVectors()) writeFileSync(new URL(name, import.meta.url), text);
}
