/** Spools over folders that a test can break, with time and turns of the event loop in its hands. */
import { createMemoryFolder, type Folder, type FramePosition, type MemoryFolder } from "@pericard/framelog";
import { readClientMessage } from "../../src/message.ts";
import type { SpoolItem } from "../../src/spool-ledger.ts";
import { Spool } from "../../src/spool.ts";
import { createManualClock, settle, type ManualClock } from "./manual-clock.ts";

export const CLIENT = {
  name: "first",
  token: "",
  commonName: undefined,
  routings: undefined,
  spoolBytesMax: 2 ** 40,
};

/** A spool and what it stands on. */
export interface TestSpool {
  readonly spool: Spool;
  readonly clock: ManualClock;
  /** Items that became durable, in the order in which the spool said so. */
  readonly durable: readonly SpoolItem[];
  /** Codes of disk failures. */
  readonly broken: readonly string[];
  /** Marks of fullness that were passed; 0 for being below all again. */
  readonly fullness: readonly number[];
  /** Runs of bytes that could not be read back. */
  readonly unusable: readonly FramePosition[];
  /** Ends the turn of the event loop. */
  turn(): Promise<void>;
  /** Takes a message in and ends the turn: the error's code, or undefined. */
  admit(message: Uint8Array, client?: typeof CLIENT): Promise<string | undefined>;
}

/** Opens a spool. */
export function openSpool(
  folder: Folder = createMemoryFolder(),
  spoolBytesMax = 2 ** 30,
  clock = createManualClock(),
): TestSpool {
  const durable: SpoolItem[] = [];
  const broken: string[] = [];
  const fullness: number[] = [];
  const unusable: FramePosition[] = [];
  let deferred: (() => void)[] = [];
  const spool = new Spool({
    folder,
    clock,
    spoolBytesMax,
    defer: (work) => deferred.push(work),
    onDurable: (item) => durable.push(item),
    onBroken: ({ code }) => broken.push(code),
    onFullness: ({ part }) => fullness.push(part),
    onUnusable: (position) => unusable.push(position),
  });
  const turn = async (): Promise<void> => {
    await settle();
    const works = deferred;
    deferred = [];
    for (const work of works) work();
    await settle();
  };
  const admit = async (message: Uint8Array, client = CLIENT): Promise<string | undefined> => {
    let code: string | undefined;
    const admitted = spool.admit(readClientMessage(message), client).catch((error: { code: string }) => {
      code = error.code;
    });
    await turn();
    await admitted;
    return code;
  };
  return { spool, clock, durable, broken, fullness, unusable, turn, admit };
}

/** The messages that a spool over this folder would forward, in order, as hexadecimal. */
export function waitingIn(folder: Folder): readonly string[] {
  const { spool } = openSpool(folder);
  return spool.items().map((item) => hex(spool.read(item)));
}

/** Bytes as text, to compare sets of messages. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** A folder that writes down what is done to its files. */
export function recordingFolder(): { readonly folder: MemoryFolder; readonly calls: string[] } {
  const calls: string[] = [];
  const inner = createMemoryFolder();
  const wrap = (name: string, open: () => ReturnType<Folder["open"]>): ReturnType<Folder["open"]> => {
    const file = open();
    return {
      get sizeBytes() {
        return file.sizeBytes;
      },
      append: (parts) => {
        calls.push(`append ${name}`);
        file.append(parts);
      },
      sync: () => {
        calls.push(`sync ${name}`);
        file.sync();
      },
      read: (offsetBytes, sizeBytes) => file.read(offsetBytes, sizeBytes),
      close: () => file.close(),
    };
  };
  const folder: MemoryFolder = {
    ...inner,
    open: (name) => wrap(name, () => inner.open(name)),
    create: (name) => wrap(name, () => inner.create(name)),
    remove: (name) => {
      calls.push(`remove ${name}`);
      inner.remove(name);
    },
  };
  return { folder, calls };
}
