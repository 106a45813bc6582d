/** The port of what is attacked with messages: a terminal that seals and uploads, and a receiver that judges. */
import type { KeyUse } from "@pericard/protocol";
import type { TargetName } from "./attack.ts";

/** One sealed segment as it lies in the terminal's flash. */
export interface Sealed {
  /** What a receiver names it by. */
  readonly id: string;
  /** The use of the terminal's keys that sealed it. */
  readonly use: KeyUse;
  readonly bytes: Uint8Array;
}

/** What a receiver did with a message. */
export interface Verdict {
  /** Ids of the segments that it has and answered for. */
  readonly taken: readonly string[];
  /** Code of what it refused first; null when it refused nothing. */
  readonly code: string | null;
}

/** Decides on a message. */
export type Judge = (message: Uint8Array) => Promise<Verdict>;

/** A terminal of one scheme, and its receiver. */
export interface Target {
  readonly name: TargetName;
  /** Seals samples as the terminal's next segment. */
  seal(leads: readonly Int32Array[]): Sealed;
  /** The sealed samples in what {@link Target.seal} gave. */
  sealedSamples(bytes: Uint8Array): Uint8Array;
  /** The upload of segments as they lie in the flash. */
  upload(items: readonly Uint8Array[]): Uint8Array;
  /** The ciphertext in an upload. */
  ciphertext(message: Uint8Array): Uint8Array;
  /** What of an upload an observer compares with that of another one. */
  visible(message: Uint8Array): Uint8Array;
  /** The upload without its signature, and under that of another registered terminal. */
  withoutSignature(message: Uint8Array): readonly Uint8Array[];
  readonly judge: Judge;
  /** Bytes that the receiver keeps. */
  keptBytes(): number;
  /** Remembers the flash. @returns what puts it back, as a thief with a copy does. */
  copyFlash(): () => void;
  /** Goes on in another recording, as after a restart. */
  beginRecording(): void;
  /** What the receiver raised alarm for. */
  alarms(): readonly string[];
}
