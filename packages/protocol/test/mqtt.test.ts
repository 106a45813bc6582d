import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeCbor,
  MAIL_ANSWER_BYTES_MAX,
  MQTT_CONTROL_BYTES_MAX,
  MQTT_PUBLISH_BYTES_MAX,
  MqttAnswer,
  MqttPacketMeter,
  mqttTail,
  mqttTopic,
  parseMqttTopic,
  RoutingId,
  toHex,
} from "@pericard/protocol";
import { bytesOf, countCases, loadCases } from "../../../vectors/load.ts";

const routing = RoutingId.parse("00c0ffee00c0ffee");

test.each(["up", "up/wait", "down"] as const)("the topic of %s is read as it is written", (direction) => {
  expect(mqttTopic(routing, direction)).toBe(`pericard/00c0ffee00c0ffee/${direction}`);
  expect(parseMqttTopic(mqttTopic(routing, direction))).toEqual({ routing, direction });
});

test.each([
  "",
  "#",
  "pericard/+/down",
  "pericard/#",
  "pericard/00c0ffee00c0ffe/up",
  "pericard/00C0FFEE00C0FFEE/up",
  "pericard/00c0ffee00c0ffee/upx",
  "pericard/00c0ffee00c0ffee/up/",
  "pericard/00c0ffee00c0ffee/up/wait/",
  "pericard/00c0ffee00c0ffee/down\n",
  "/pericard/00c0ffee00c0ffee/up",
  "$SYS/pericard/00c0ffee00c0ffee/up",
])("%j is no topic", (name) => {
  expect(parseMqttTopic(name)).toBeUndefined();
});

test("a message's tail is a copy of its last sixteen bytes", () => {
  const message = Uint8Array.from({ length: 40 }, (_, i) => i);
  expect(mqttTail(message)).toEqual(Uint8Array.from({ length: 16 }, (_, i) => 24 + i));
  expect(mqttTail(message.subarray(0, 7))).toHaveLength(7);
});

describe("an answer", () => {
  const answer: MqttAnswer = {
    status: 202,
    cutOff: true,
    code: null,
    retryAfterSeconds: null,
    tail: new Uint8Array(16),
    mail: [Uint8Array.of(1, 2, 3)],
  };

  test("is read as it was written", () => {
    expect(MqttAnswer.decode(MqttAnswer.encode(answer))).toEqual(answer);
    const refusal = { ...answer, status: 503, code: "ERR_SPOOL_FULL", retryAfterSeconds: 30, tail: null, mail: [] };
    expect(MqttAnswer.decode(MqttAnswer.encode(refusal))).toEqual(refusal);
  });

  test("is not read when it is longer than an answer may be", () => {
    const bytes = encodeCbor([200, false, null, null, null, [new Uint8Array(MAIL_ANSWER_BYTES_MAX + 200)]]);
    expect(() => MqttAnswer.decode(bytes)).toThrow(expect.objectContaining({ code: "ERR_LENGTH_LIMIT" }));
  });
});

describe("answer vectors", () => {
  const cases = loadCases("mqtt-answer");

  test.each(cases)("$name", (vector) => {
    const read = (): MqttAnswer => MqttAnswer.decode(bytesOf(vector, "bytesHex"));
    if (vector.expect === "accept") {
      const { tail, mail, ...rest } = read();
      expect({ ...rest, tail: tail && toHex(tail), mail: mail.map(toHex) }).toEqual(vector.decoded);
    } else expect(read).toThrow(expect.objectContaining({ code: vector.expect }));
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 4, refused: 20 });
  });
});

/** A packet of that type whose content is so long, and its length as MQTT writes it. */
function packet(type: number, sizeBytes: number): Uint8Array {
  const length: number[] = [];
  for (let left = sizeBytes; left > 0 || length.length === 0; left = Math.floor(left / 128)) {
    length.push((left % 128) + (left >= 128 ? 0x80 : 0));
  }
  return Uint8Array.from([type << 4, ...length, ...new Uint8Array(Math.min(sizeBytes, 100_000))]);
}

function measured(chunks: readonly Uint8Array[]) {
  const begun: number[] = [];
  const ended: number[] = [];
  const listener = { begin: (sizeBytes: number) => begun.push(sizeBytes) > 0, end: (n: number) => void ended.push(n) };
  const meter = new MqttPacketMeter(listener);
  return { taken: chunks.every((chunk) => meter.take(chunk)), begun, ended, openBytes: meter.openBytes };
}

describe("packets", () => {
  test("are measured however their bytes are cut", () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 16_383, 16_384, 70_000)), { maxLength: 6 });
    const chunkBytes = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(sizes, chunkBytes, (all, step) => {
        const bytes = Buffer.concat(all.map((sizeBytes) => packet(3, sizeBytes)));
        const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
          bytes.subarray(i * step, (i + 1) * step),
        );
        expect(measured(chunks)).toEqual({ taken: true, begun: all, ended: all, openBytes: 0 });
      }),
    );
  });

  test.each([
    ["a PUBLISH", 3, MQTT_PUBLISH_BYTES_MAX],
    ["a CONNECT", 1, MQTT_CONTROL_BYTES_MAX],
    ["a SUBSCRIBE", 8, MQTT_CONTROL_BYTES_MAX],
  ])("of %s may be so long and no longer", (_, type, max) => {
    expect(measured([packet(type, max).subarray(0, 10)])).toMatchObject({ taken: true, begun: [max], openBytes: max });
    expect(measured([packet(type, max + 1).subarray(0, 10)])).toMatchObject({ taken: false, begun: [] });
  });

  test("have a length of four bytes at most", () => {
    expect(measured([Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01)])).toMatchObject({ taken: false });
  });

  test("are not taken when there is no room for one", () => {
    const meter = new MqttPacketMeter({ begin: () => false, end: () => undefined });
    expect(meter.take(packet(3, 5))).toBe(false);
  });
});
