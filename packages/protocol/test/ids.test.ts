import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BootId,
  EnvelopeId,
  KeyId,
  PatientId,
  RecordingId,
  RoutingId,
  TenantId,
  TerminalId,
  type IdKind,
} from "@pericard/protocol";
import { expectCode } from "./support/expect-code.ts";

/** One kind without its brand, so that all go through the same tests. */
interface AnyKind {
  readonly name: string;
  readonly sizeBytes: number;
  fromBytes(value: unknown): string;
  parse(text: string): string;
  toBytes(id: string): Uint8Array;
}

function plain<T extends string>(kind: IdKind<T>): AnyKind {
  return { ...kind, toBytes: (id) => kind.toBytes(id as T) };
}

const KINDS = [
  [plain(TenantId), "tenant", 16],
  [plain(TerminalId), "terminal", 6],
  [plain(RoutingId), "routing", 8],
  [plain(RecordingId), "recording", 16],
  [plain(PatientId), "patient", 16],
  [plain(EnvelopeId), "envelope", 16],
  [plain(BootId), "boot", 8],
  [plain(KeyId), "key", 8],
] as const;

describe.each(KINDS)("%#: an id", (kind, name, sizeBytes) => {
  it(`of a ${name} has ${sizeBytes} bytes`, () => {
    expect(kind.name).toBe(name);
    expect(kind.sizeBytes).toBe(sizeBytes);
  });

  it("goes both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes }), (raw) => {
        const id = kind.fromBytes(raw);
        expect(kind.toBytes(id)).toEqual(raw);
        expect(kind.parse(id)).toBe(id);
      }),
    );
  });

  it.each([sizeBytes - 1, sizeBytes + 1, 0])("refuses %i bytes", (count) => {
    expectCode(() => kind.fromBytes(new Uint8Array(count)), "ERR_FIELD_RANGE");
  });

  it.each([undefined, null, "00".repeat(sizeBytes), Array.from({ length: sizeBytes }, () => 0)])(
    "refuses %j as bytes",
    (value) => {
      expectCode(() => kind.fromBytes(value), "ERR_FIELD_RANGE");
    },
  );

  it.each([
    "",
    "00".repeat(sizeBytes - 1),
    "AB".repeat(sizeBytes),
    "g0".repeat(sizeBytes),
    `${"00".repeat(sizeBytes)}\n`,
  ])("refuses the text %j", (text) => {
    expectCode(() => kind.parse(text), "ERR_FIELD_RANGE");
  });
});

describe("kinds of ids", () => {
  it("are as many as there should be", () => {
    expect(KINDS).toHaveLength(8);
  });
});
