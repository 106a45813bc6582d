import { expect, test } from "vitest";
import * as fc from "fast-check";
import { parseSamples, parseSummary, splitFramedBody } from "../src/api/framed-body.ts";
import { MISSING_ADU } from "../src/api/types.ts";
import { WebError } from "../src/errors.ts";
import { framedBody, leadOf } from "./fixtures.ts";

const LEADS = [leadOf("I"), leadOf("V", { samplesPerFrame: 2 })];
const SLOTS = [
  { index: 0, offsetBytes: 0, sampleCount: 3 },
  { index: 1, offsetBytes: 12, sampleCount: 6 },
];
const HEADER = { fromFrame: 10, toFrame: 13, leads: SLOTS };
const VALUES = [1, -2, MISSING_ADU, 10, 11, 12, 13, 14, 2147483647];

function codeOf(parse: () => unknown): string {
  try {
    parse();
  } catch (caught) {
    if (caught instanceof WebError) return caught.code;
    throw caught;
  }
  return "accepted";
}

test("samples are read lead after lead, with several samples a frame", () => {
  const block = parseSamples(framedBody(HEADER, VALUES), LEADS);
  expect(block).toMatchObject({ kind: "samples", fromFrame: 10, toFrame: 13 });
  expect([...(block.leads[0] ?? [])]).toEqual([1, -2, MISSING_ADU]);
  expect([...(block.leads[1] ?? [])]).toEqual([10, 11, 12, 13, 14, 2147483647]);
});

test("a lead that the answer leaves out is undefined, not zero", () => {
  const block = parseSamples(framedBody({ ...HEADER, leads: SLOTS.slice(0, 1) }, VALUES), LEADS);
  expect(block.leads).toHaveLength(2);
  expect(block.leads[1]).toBeUndefined();
});

test("a summary has two values a bucket", () => {
  const header = { fromFrame: 0, toFrame: 8, framesPerBucket: 4, buckets: 2 };
  const leads = [{ index: 0, offsetBytes: 0, sampleCount: 4 }];
  const block = parseSummary(framedBody({ ...header, leads }, [-1, 5, MISSING_ADU, MISSING_ADU]), LEADS);
  expect(block).toMatchObject({ kind: "summary", framesPerBucket: 4, bucketCount: 2 });
  expect([...(block.leads[0] ?? [])]).toEqual([-1, 5, MISSING_ADU, MISSING_ADU]);
});

const slot = (change: object): object => ({ ...HEADER, leads: [{ ...SLOTS[0], ...change }] });
const REFUSED: readonly (readonly [string, object, readonly number[]])[] = [
  ["fewer values than the slots need", HEADER, VALUES.slice(0, 8)],
  ["sample count that contradicts the range", slot({ sampleCount: 2 }), VALUES],
  ["offset between two values", slot({ offsetBytes: 2 }), VALUES],
  ["offset beyond the payload", slot({ offsetBytes: 28 }), VALUES],
  ["negative offset", slot({ offsetBytes: -4 }), VALUES],
  ["lead that the recording does not have", slot({ index: 2 }), VALUES],
  ["lead index that is no integer", slot({ index: 0.5 }), VALUES],
  ["the same lead twice", { ...HEADER, leads: [SLOTS[0], SLOTS[0]] }, VALUES],
  ["range that ends before it starts", { ...HEADER, toFrame: 9 }, VALUES],
  ["range that is no integer", { ...HEADER, fromFrame: 9.5 }, VALUES],
  ["no leads", { fromFrame: 10, toFrame: 13 }, VALUES],
  ["header that is an array", [], VALUES],
];

test.each(REFUSED)("refused: %s", (_name, header, values) => {
  expect(codeOf(() => parseSamples(framedBody(header, values), LEADS))).toBe("ERR_ANSWER_MALFORMED");
});

test("every cut of a good body is refused", () => {
  const body = framedBody(HEADER, VALUES);
  for (let length = 0; length < body.byteLength; length++) {
    expect(
      codeOf(() => parseSamples(body.slice(0, length), LEADS)),
      `${length} bytes`,
    ).toBe("ERR_ANSWER_MALFORMED");
  }
});

test("a summary without a bucket length is refused", () => {
  const header = { fromFrame: 0, toFrame: 8, framesPerBucket: 0, buckets: 2, leads: [] };
  expect(codeOf(() => parseSummary(framedBody(header, []), LEADS))).toBe("ERR_ANSWER_MALFORMED");
});

test("a header length beyond the body, or absurd, is refused", () => {
  for (const length of [12, 0xffffffff, 1 << 21]) {
    const body = new ArrayBuffer(12);
    new DataView(body).setUint32(0, length, true);
    expect(codeOf(() => splitFramedBody(body))).toBe("ERR_ANSWER_MALFORMED");
  }
});

test("any bytes are either read or refused with our error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const code = codeOf(() => parseSamples(bytes.slice().buffer, LEADS));
      return code === "ERR_ANSWER_MALFORMED" || code === "accepted";
    }),
  );
});

test("any flipped header byte is read to the same shape or refused", () => {
  const body = framedBody(HEADER, VALUES);
  const headerEnd = body.byteLength - 4 * VALUES.length;
  for (let offset = 0; offset < headerEnd; offset++) {
    const changed = new Uint8Array(body.slice(0));
    changed[offset] = (changed[offset] ?? 0) ^ 0x01;
    expect(["accepted", "ERR_ANSWER_MALFORMED"]).toContain(codeOf(() => parseSamples(changed.buffer, LEADS)));
  }
});
