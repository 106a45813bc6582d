/** Vectors of answers by MQTT. Source: docs/format.md §9.5. */
import { concatBytes, MqttAnswer, toHex, utf8, type ProtocolErrorCode } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";
import { array, bytes, FALSE, indefiniteArray, int, NULL, text, TRUE } from "./cbor-writer.ts";

const TAIL = utf8("sixteen bytes...");
const MAIL = [utf8("first"), utf8("second")];
const ITEMS = [int(202), FALSE, NULL, NULL, bytes(TAIL), array(MAIL.map((one) => bytes(one)))];

const accepted = (name: string, answer: MqttAnswer): VectorCase => ({
  name,
  expect: "accept",
  bytesHex: toHex(MqttAnswer.encode(answer)),
  decoded: {
    status: answer.status,
    cutOff: answer.cutOff,
    code: answer.code,
    retryAfterSeconds: answer.retryAfterSeconds,
    tail: answer.tail && toHex(answer.tail),
    mail: answer.mail.map(toHex),
  },
});

const refused = (name: string, answer: Uint8Array, expect: ProtocolErrorCode): VectorCase => ({
  name,
  expect,
  bytesHex: toHex(answer),
});

/** An answer of which one item is another. */
const withItem = (at: number, item: Uint8Array): Uint8Array => array(ITEMS.with(at, item));

/** Every vector of answers by MQTT. */
export function mqttAnswerVectors(): VectorFile {
  const taken: MqttAnswer = { status: 202, cutOff: false, code: null, retryAfterSeconds: null, tail: TAIL, mail: MAIL };
  const range = "ERR_FIELD_RANGE";
  return {
    structure: "answer by MQTT",
    source: "docs/format.md §9.5",
    steps: "decode; the messages are not verified here",
    cases: [
      accepted("taken, with mail", taken),
      accepted("taken by a gateway that is cut off", { ...taken, cutOff: true, mail: [] }),
      accepted("mail that came by itself", { ...taken, status: 200, tail: null }),
      accepted("refused for want of room", {
        ...taken,
        status: 503,
        code: "ERR_SPOOL_FULL",
        retryAfterSeconds: 30,
        mail: [],
      }),
      refused("empty", new Uint8Array(0), "ERR_CBOR_MALFORMED"),
      refused("status below 200", withItem(0, int(199)), range),
      refused("status over 599", withItem(0, int(600)), range),
      refused("status as text", withItem(0, text("202")), range),
      refused("cut off as a number", withItem(1, int(0)), range),
      refused("code in small letters", withItem(2, text("err_x")), range),
      refused("code of 65 characters", withItem(2, text("E".repeat(65))), range),
      refused("code that is empty", withItem(2, text("")), range),
      refused("waiting for more than a day", withItem(3, int(86_401)), range),
      refused("waiting for less than nothing", withItem(3, int(-1)), range),
      refused("tail of 15 bytes", withItem(4, bytes(TAIL.slice(1))), range),
      refused("tail of 17 bytes", withItem(4, bytes(concatBytes(TAIL, TAIL.slice(0, 1)))), range),
      refused("mail that is null", withItem(5, NULL), range),
      refused("a message as text", withItem(5, array([text("first")])), range),
      refused("257 messages", withItem(5, array(Array.from({ length: 257 }, () => bytes(new Uint8Array(0))))), range),
      refused("five items", array(ITEMS.slice(0, 5)), range),
      refused("seven items", array([...ITEMS, TRUE]), range),
      refused("an array of indefinite length", indefiniteArray(ITEMS), "ERR_CBOR_MALFORMED"),
      refused("a trailing byte", concatBytes(array(ITEMS), Uint8Array.of(0)), "ERR_CBOR_MALFORMED"),
      refused("cut before its last byte", array(ITEMS).slice(0, -1), "ERR_CBOR_MALFORMED"),
    ],
  };
}
