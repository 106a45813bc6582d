/** What a bridge makes of sensors' inputs: its own format, and devices' formats by a mapping file. */
import * as fc from "fast-check";
import { decimalText, utf8, type ObservationComponent } from "@pericard/protocol";
import { Bridge, parseExactJson, readMapping, type MappingRule, type TakenObservation } from "@pericard/terminal";
import { beforeEach, describe, expect, test } from "vitest";
import { isTopicPattern, matchesTopic } from "../src/bridge/topic-pattern.ts";

let taken: TakenObservation[];
let reasons: string[];
beforeEach(() => {
  [taken, reasons] = [[], []];
});

function bridge(rules: readonly MappingRule[] = []): Bridge {
  return new Bridge({
    rules,
    take: async (observations) => void taken.push(...observations),
    refused: { add: () => undefined },
    nowUnixMs: () => 1,
    onRefused: ({ reason }) => void reasons.push(reason),
  });
}

const send = (to: Bridge, text: string, topic = "pericard/observations") => to.receive({ topic, payload: utf8(text) });

const textsOf = (components: readonly ObservationComponent[]) =>
  components.map(({ code, unit, value }) => `${code} ${decimalText(value)} ${unit}`);

const PRESSURE = `{"device": "cuff", "time": "2026-03-01T08:00:30.5+05:30", "components": [
  {"code": "8480-6", "value": 128, "unit": "mm[Hg]"}, {"code": "8462-4", "value": "81.0", "unit": "mm[Hg]"}]}`;

describe("the bridge's own format", () => {
  test("is one observation, of one value or of components", async () => {
    expect(await send(bridge(), `{"code": "8310-5", "value": 36.60, "unit": "Cel"}`)).toBe(1);
    expect(await send(bridge(), PRESSURE, "pericard/observations/bedroom")).toBe(1);
    expect(taken.map(({ components }) => textsOf(components))).toEqual([
      ["8310-5 36.60 Cel"],
      ["8480-6 128 mm[Hg]", "8462-4 81.0 mm[Hg]"],
    ]);
    expect(taken[0]).toMatchObject({ claimed: null, device: null });
    const claimed = { unixMs: Date.UTC(2026, 2, 1, 2, 30, 30, 500), zoneOffsetMinutes: 330 };
    expect(taken[1]).toMatchObject({ claimed, device: "cuff" });
  });

  test("keeps every digit of a number, also of one that no float holds", async () => {
    for (const digits of ["0.1", "70.50", "1e2", "9007199254740991", "-0.300000000004", "1.000000000000"]) {
      await send(bridge(), `{"code": "MDCX_ACME_X", "value": ${digits}, "unit": "1"}`);
    }
    expect(taken.map(({ components: [one] }) => one?.value)).toEqual([
      { mantissa: 1, exponent: -1 },
      { mantissa: 7050, exponent: -2 },
      { mantissa: 1, exponent: 2 },
      { mantissa: Number.MAX_SAFE_INTEGER, exponent: 0 },
      { mantissa: -300_000_000_004, exponent: -12 },
      { mantissa: 1_000_000_000_000, exponent: -12 },
    ]);
  });

  test("is an array of up to 64 observations, taken together", async () => {
    const one = `{"code": "59408-5", "value": 97, "unit": "%"}`;
    expect(await send(bridge(), `[${Array.from({ length: 64 }, () => one).join()}]`)).toBe(64);
    await expect(send(bridge(), `[${Array.from({ length: 65 }, () => one).join()}]`)).rejects.toThrow(
      "65 observations",
    );
    await expect(send(bridge(), `[${one}, {"code": "59408-5"}]`)).rejects.toMatchObject({ code: "ERR_BRIDGE_INPUT" });
    expect(taken).toHaveLength(64);
  });

  test.each([
    ["", "not JSON"],
    ["[", "not JSON"],
    ["\u00ff", "not JSON"],
    ["[]", "0 observations"],
    ["7", "not a JSON object"],
    ["null", "not a JSON object"],
    [`{"value": 1, "unit": "%"}`, "code is not"],
    [`{"code": "spo2", "value": 97, "unit": "%"}`, "code is neither"],
    [`{"code": "59408-5", "value": 97}`, "unit is not"],
    [`{"code": "59408-5", "value": 97, "unit": "percent"}`, "unit percent is not one of 59408-5"],
    [`{"code": "8480-6", "value": 128, "unit": "mmHg"}`, "unit mmHg is not one of 8480-6"],
    [`{"code": "59408-5", "value": null, "unit": "%"}`, "value is not a decimal"],
    [`{"code": "59408-5", "value": true, "unit": "%"}`, "value is not a decimal"],
    [`{"code": "59408-5", "value": "97 %", "unit": "%"}`, "value is not a decimal"],
    [`{"code": "59408-5", "value": 97.00000000000000001, "unit": "%"}`, "value is not a decimal"],
    [`{"code": "59408-5", "value": {"text": "97"}, "unit": "%"}`, "value is not a decimal"],
    [`{"code": "59408-5", "value": 97, "unit": "%", "quality": "poor"}`, 'member "quality" is not known'],
    [`{"code": "59408-5", "value": 97, "unit": "%", "device": ""}`, "device is not"],
    [`{"code": "59408-5", "value": 97, "unit": "%", "time": "2026-03-01T08:00:00"}`, "time is not RFC 3339"],
    [`{"code": "59408-5", "value": 97, "unit": "%", "time": "2026-02-30T08:00:00Z"}`, "time is not RFC 3339"],
    [`{"code": "59408-5", "value": 97, "unit": "%", "time": 1772352000}`, "time is not RFC 3339"],
    [`{"components": []}`, "components are not"],
    [`{"components": [7]}`, "component is not"],
    [`{"components": [{"code": "59408-5", "value": 97, "unit": "%"}], "unit": "%"}`, 'member "unit" is not known'],
    [
      `{"components": [{"code": "59408-5", "value": 97, "unit": "%"}, {"code": "59408-5", "value": 98, "unit": "%"}]}`,
      "two components have one code",
    ],
  ])("refuses %s", async (text, reason) => {
    const to = bridge();
    await expect(send(to, text)).rejects.toMatchObject({ code: "ERR_BRIDGE_INPUT" });
    expect(reasons.join()).toContain(reason);
    expect(to.counts).toEqual({ observations: 0, refused: 1, ignored: 0, repeated: 0 });
    expect(taken).toEqual([]);
  });

  test("refuses bytes of any kind with a reason, and nothing else", async () => {
    const json = fc.oneof(fc.json(), fc.string(), fc.constant("[".repeat(40_000)));
    await fc.assert(
      fc.asyncProperty(json, async (text) => {
        await expect(send(bridge(), text)).rejects.toMatchObject({ code: "ERR_BRIDGE_INPUT" });
      }),
      { numRuns: 200 },
    );
    await expect(bridge().receive({ topic: "pericard/observations", payload: new Uint8Array(65_537) })).rejects.toThrow(
      "larger than 65536 bytes",
    );
  });

  test("refuses a topic that no rule is for", async () => {
    await expect(send(bridge(), PRESSURE, "home/cuff")).rejects.toThrow("no rule");
    await expect(send(bridge(), PRESSURE, "pericard/observationsx")).rejects.toThrow("no rule");
  });
});

describe("an input that comes again", () => {
  const input = { topic: "pericard/observations", payload: utf8(PRESSURE) };

  test("is taken once when its sender says so and it was taken", async () => {
    const to = bridge();
    expect(await to.receive(input, "a/1")).toBe(1);
    expect(await to.receive({ ...input, repeatOf: "a/1" }, "a/1")).toBe(0);
    expect(to.counts).toMatchObject({ observations: 1, repeated: 1 });
  });

  test("is taken when it was not taken before, is another, or nobody says that it comes again", async () => {
    const to = bridge();
    expect(await to.receive({ ...input, repeatOf: "a/1" }, "a/1")).toBe(1);
    expect(await to.receive({ ...input, repeatOf: "a/2" }, "a/2")).toBe(1);
    expect(await to.receive({ ...input, payload: utf8(`${PRESSURE} `), repeatOf: "a/1" }, "a/1")).toBe(1);
    expect(await to.receive(input, "a/1")).toBe(1);
  });

  test("is not remembered when it could not be taken", async () => {
    let full = true;
    const to = new Bridge({
      rules: [],
      take: async () => {
        if (full) throw new Error("full");
      },
      refused: { add: () => undefined },
      nowUnixMs: () => 1,
      onRefused: () => undefined,
    });
    await expect(to.receive(input, "a/1")).rejects.toThrow("full");
    full = false;
    expect(await to.receive({ ...input, repeatOf: "a/1" }, "a/1")).toBe(1);
  });
});

const rulesOf = (...mappings: readonly unknown[]): readonly MappingRule[] =>
  readMapping(parseExactJson(utf8(JSON.stringify({ format: "pericard/bridge-mapping", version: 1, mappings }))));

const TEMPERATURE = { pointer: "/temperature", code: "8310-5", unit: "Cel" };

describe("a mapping file", () => {
  test("makes observations of what devices send", async () => {
    const to = bridge(
      rulesOf(
        { topic: "zigbee2mqtt/bridge/#", ignore: true },
        {
          topic: "zigbee2mqtt/+",
          device: { level: 2 },
          time: { pointer: "/last_seen", form: "unix-ms" },
          values: [TEMPERATURE, { pointer: "/vitals/0/spo2~1pct", code: "59408-5", unit: "%" }],
        },
        { topic: "scale/weight", device: "scale", values: [{ pointer: "", code: "29463-7", unit: "kg" }] },
        {
          topic: "cuff",
          device: { pointer: "/id" },
          time: { pointer: "/at", form: "rfc3339" },
          values: [{ pointer: "/sys", code: "8480-6", unit: "mm[Hg]" }],
        },
      ),
    );
    const thermometer = `{"temperature": 36.6, "battery": 97, "last_seen": 1772352000123, "vitals": [{"spo2/pct": "98"}]}`;
    expect(await send(to, thermometer, "zigbee2mqtt/patch 7")).toBe(1);
    expect(await send(to, `{"temperature": null, "vitals": [{"spo2/pct": 97}]}`, "zigbee2mqtt/patch 7")).toBe(1);
    expect(await send(to, "82.40", "scale/weight")).toBe(1);
    expect(await send(to, `{"id": "A1", "at": "2026-03-01T08:00:00Z", "sys": 120}`, "cuff")).toBe(1);
    expect(await send(to, "online", "zigbee2mqtt/bridge/state")).toBe(0);
    expect(taken.map(({ device, components }) => [device, textsOf(components)])).toEqual([
      ["patch 7", ["8310-5 36.6 Cel", "59408-5 98 %"]],
      ["patch 7", ["59408-5 97 %"]],
      ["scale", ["29463-7 82.40 kg"]],
      ["A1", ["8480-6 120 mm[Hg]"]],
    ]);
    expect(taken.map(({ claimed }) => claimed)).toEqual([
      { unixMs: 1_772_352_000_123, zoneOffsetMinutes: null },
      null,
      null,
      { unixMs: Date.UTC(2026, 2, 1, 8), zoneOffsetMinutes: 0 },
    ]);
    expect(to.counts).toEqual({ observations: 4, refused: 0, ignored: 1, repeated: 0 });
  });

  test.each([
    [`{"battery": 3}`, "none of the values"],
    [`{"temperature": "warm"}`, "value is not a decimal"],
    [`{"temperature": true}`, "value is not a decimal"],
    [`{"temperature": 36.6, "at": "noon"}`, "time is not a number of unix-s"],
  ])("refuses %s", async (text, reason) => {
    const to = bridge(
      rulesOf({ topic: "+", device: { level: 1 }, time: { pointer: "/at", form: "unix-s" }, values: [TEMPERATURE] }),
    );
    await expect(send(to, text, "patch")).rejects.toThrow(reason);
  });

  test.each([
    [[{ topic: "a/#/b", values: [TEMPERATURE] }], "mappings[0].topic is not a topic pattern"],
    [[{ topic: "a", values: [] }], "mappings[0].values is not an array of 1 to 8"],
    [[{ topic: "a" }], "mappings[0].values is not an array"],
    [[{ topic: "a", ignore: true, values: [TEMPERATURE] }], "mappings[0] has ignore and something else"],
    [[{ topic: "a", values: [{ ...TEMPERATURE, pointer: "temperature" }] }], "values[0].pointer is not a JSON pointer"],
    [[{ topic: "a", values: [{ ...TEMPERATURE, unit: "°C" }] }], "values[0] unit is not"],
    [[{ topic: "a", values: [{ ...TEMPERATURE, unit: "kg" }] }], "values[0] unit kg is not one of 8310-5"],
    [[{ topic: "a", values: [{ ...TEMPERATURE, scale: 10 }] }], 'values[0] has an unknown member "scale"'],
    [[{ topic: "a", values: [TEMPERATURE], device: { level: 0 } }], "mappings[0].device is not a name"],
    [[{ topic: "a", values: [TEMPERATURE], time: { pointer: "/t", form: "iso" } }], "mappings[0].time.form is none of"],
  ])("that is wrong is refused with the place: %j", (mappings, problem) => {
    expect(() => rulesOf(...mappings)).toThrow(problem);
    expect(() => rulesOf(...mappings)).toThrow(expect.objectContaining({ code: "ERR_BRIDGE_MAPPING" }));
  });

  test.each([[undefined], [null], [[]], [{ format: "pericard/bridge-mapping", version: 2, mappings: [] }]])(
    "is no other document: %j",
    (value) => {
      const document = value === undefined ? value : parseExactJson(utf8(JSON.stringify(value)));
      expect(() => readMapping(document)).toThrow(expect.objectContaining({ code: "ERR_BRIDGE_MAPPING" }));
    },
  );
});

describe("a topic pattern", () => {
  test.each([
    ["a/b", "a/b", true],
    ["a/b", "a/b/c", false],
    ["a/+", "a/b", true],
    ["a/+", "a", false],
    ["a/+", "a/", true],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["#", "a/b", true],
    ["#", "$SYS/a", false],
    ["+/a", "$SYS/a", false],
    ["$SYS/#", "$SYS/a", true],
    ["+", "", true],
  ])("%s and %s", (pattern, topic, matches) => {
    expect(matchesTopic(pattern, topic)).toBe(matches);
  });

  test.each(["", "a+", "a/b#", "#/a", "a/#/b"])("is not %s", (text) => expect(isTopicPattern(text)).toBe(false));
});
