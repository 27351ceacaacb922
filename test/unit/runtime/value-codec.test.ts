import fc from "fast-check";
import { unpack } from "msgpackr";
import { expect, test } from "vitest";
import { SerializationError } from "../../../runtime/errors/index.ts";
import { decodeFailure, decodeValue, encodeFailure, encodeValue, Tensor } from "../../../runtime/wire/index.ts";

const roundTrip = (value: unknown) => decodeValue(encodeValue(value, "value"));

const leaf = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.double().filter((n) => !Object.is(n, -0)),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.uint8Array(),
  fc.float64Array(),
  fc.float32Array(),
  fc.int16Array(),
  fc.bigInt64Array(),
  fc.uint8ClampedArray(),
);
const key = fc.string().filter((name) => name !== "__proto__");
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value")),
    fc.dictionary(key, tie("value"), { noNullPrototype: true }),
  ),
}));

test("every value that may travel arrives as it was: same types, undefined and typed arrays included", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(roundTrip(value)).toStrictEqual(value);
    }),
    { numRuns: 500 },
  );
});

test("each reading is a fresh copy", () => {
  const encoded = encodeValue({ bytes: Buffer.from("abc"), array: new Float32Array([1]) }, "value");
  const read = () => decodeValue(encoded) as { bytes: Buffer; array: Float32Array };
  const first = read();
  first.bytes[0] = 0;
  first.array[0] = 0;
  expect(read()).toStrictEqual({ bytes: Buffer.from("abc"), array: new Float32Array([1]) });
});

test("a buffer, a date and a tensor of several dimensions arrive as they were", () => {
  const value = {
    bytes: Buffer.from("abc"),
    at: new Date(1_700_000_000_123),
    tensor: new Tensor("f4", [2, 2], new Float32Array([1, 2, 3, 4])),
    half: new Tensor("bf16", [3], new Uint16Array([1, 2, 3])),
  };
  expect(roundTrip(value)).toStrictEqual(value);
});

test("a view into a larger buffer sends only what it shows", () => {
  const view = new Float64Array(1000).subarray(10, 12);
  expect(encodeValue(view, "value").data.byteLength).toBeLessThan(40);
  expect(roundTrip(view)).toStrictEqual(new Float64Array(2));
});

test("the bytes are plain msgpack and extension 0x41, for readers in other languages", () => {
  const { data } = encodeValue({ a: [1, "x"], f: new Float32Array([1, 2]) }, "value");
  // {"a": [1, "x"], "f": extension 0x41 of 17 bytes: array, "f4", 1 dimension of 2, and the two numbers}
  expect(Buffer.from(data).toString("hex")).toBe(
    ["82a1619201a178a166", "c71141", "01", "026634", "0102000000", "0000803f00000040"].join(""),
  );
  expect(unpack(Buffer.from(encodeValue({ plain: true }, "value").data))).toEqual({ plain: true });
});

class Point {
  x = 1;
}
const circle: { self?: unknown } = {};
circle.self = circle;

test.each([
  ["a function", { a: [{ onDone: () => {} }] }, "value.a[0].onDone", /the function onDone cannot leave its process/],
  ["a symbol", [Symbol("s")], "value[0]", /Symbol\(s\)/],
  ["a class instance", { p: new Point() }, "value.p", /a Point cannot leave .* plain object/],
  ["a map", { "odd key": new Map() }, 'value["odd key"]', /Object.fromEntries/],
  ["a set", [new Set()], "value[0]", /\[\.\.\.set\]/],
  ["an error", new Error("x"), "value", /throw it/],
  ["a promise", { p: Promise.resolve() }, "value.p", /await it/],
  ["a circle", circle, "value.self", /break the circle/],
  ["the key __proto__", JSON.parse('{"__proto__": 1}'), "value", /__proto__/],
])("%s is refused with its path", (_, value, path, message) => {
  expect(() => encodeValue(value, "value")).toThrow(message);
  try {
    encodeValue(value, "value");
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toMatchObject({ path });
  }
});

test("the same object twice is no circle", () => {
  const shared = { n: 1 };
  expect(roundTrip([shared, shared])).toEqual([shared, shared]);
});

test("damaged bytes throw, and nothing else happens", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (data) => {
      try {
        decodeValue({ data, objects: [], actors: [] });
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 500 },
  );
});

test("an error keeps class, name, message, stack, fields and causes; fields that cannot travel become text", () => {
  const error = Object.assign(new RangeError("far", { cause: new TypeError("deep") }), { code: "E", at: new Map() });
  const back = decodeFailure(encodeFailure(error)) as RangeError & { code: string; at: string };
  expect(back).toBeInstanceOf(RangeError);
  expect(back).toMatchObject({ message: "far", code: "E", at: "[object Map]", stack: error.stack });
  expect(back.cause).toBeInstanceOf(TypeError);
  expect(decodeFailure(encodeFailure({ not: "an error" }))).toEqual({ not: "an error" });
});

test("an error of a class that is not known here arrives as Error with its name", () => {
  class FarAway extends Error {
    override name = "FarAway";
  }
  const back = decodeFailure(encodeFailure(new FarAway("x"))) as Error;
  expect(back).toBeInstanceOf(Error);
  expect([back.name, back.message, back.constructor]).toEqual(["FarAway", "x", Error]);
});
