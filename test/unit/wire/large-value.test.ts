import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeLarge,
  decodeValue,
  encodeForTransfer,
  encodeLarge,
  encodeValue,
  objectParts,
  objectSections,
  Tensor,
  type TransferValue,
} from "../../../runtime/wire/index.ts";

/** The object as it would lie in shared memory: at an address that is a multiple of 64. */
function stored(value: unknown, companions?: Uint8Array): Uint8Array {
  const { parts, totalBytes } = objectParts(encodeLarge(value, "value"), companions);
  const room = new Uint8Array(totalBytes);
  let at = 0;
  for (const part of parts) {
    room.set(part, at);
    at += part.byteLength;
  }
  expect(at).toBe(totalBytes);
  return room;
}

const read = (object: Uint8Array): unknown => {
  const { head, buffers } = objectSections(object);
  return decodeLarge(head, buffers);
};

const long = { minLength: 600, maxLength: 1200 };
const leaf = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.constant(undefined),
  fc.bigInt(),
  fc.uint8Array({ maxLength: 6000 }),
  fc.uint8Array({ minLength: 4096, maxLength: 6000 }).map((bytes) => Buffer.from(bytes)),
  fc.float64Array(long),
  fc.bigInt64Array(long),
  fc.int16Array({ minLength: 2048, maxLength: 2100 }),
  fc.uint8ClampedArray({ minLength: 4096, maxLength: 4100 }),
  fc.uint16Array({ minLength: 2400, maxLength: 2400 }).map((bits) => new Tensor("bf16", [2, 1200], bits)),
);
const key = fc.string().filter((name) => name !== "__proto__");
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { noNullPrototype: true, maxKeys: 4 }),
  ),
}));

test("every value arrives from an object as it was", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(read(stored(value))).toStrictEqual(value);
    }),
    { numRuns: 200 },
  );
});

test("large arrays, tensors and buffers lie over the object's memory, each at a multiple of 64; the rest is copied", () => {
  const object = stored({
    text: "x",
    small: new Float32Array(3),
    tensor: new Tensor("f4", [50, 100], new Float32Array(5000)),
    odd: Buffer.alloc(5001),
    array: new Float64Array(1000),
  });
  const { tensor, odd, array, small } = read(object) as {
    tensor: Tensor;
    odd: Buffer;
    array: Float64Array;
    small: Float32Array;
  };
  for (const part of [tensor.data, odd, array]) {
    expect(part.buffer).toBe(object.buffer);
    expect(part.byteOffset % 64).toBe(0);
  }
  expect(small.buffer).not.toBe(object.buffer);
  object.fill(1, array.byteOffset, array.byteOffset + 8);
  expect(array[0]).not.toBe(0);
});

test("what the writer says of references is handed on beside the head", () => {
  const companions = Buffer.from("descriptors");
  const sections = objectSections(stored([new Float64Array(1000)], companions));
  expect(Buffer.from(sections.companions)).toEqual(companions);
  expect(decodeLarge(sections.head, sections.buffers)).toEqual([new Float64Array(1000)]);
});

const decoded = (encoded: TransferValue): unknown =>
  encoded.kind === "inline" ? decodeValue(encoded.value) : decodeLarge(encoded.value.head, encoded.value.buffers);

test.each([
  ["a small value", { a: 1 }, "inline"],
  ["nothing", undefined, "inline"],
  ["an array under the limit", new Float64Array(12_000), "inline"],
  ["a buffer under the limit", Buffer.alloc(90_000, 7), "inline"],
  ["an array over the limit", new Float64Array(13_000), "large"],
  ["arrays that are over the limit together", [new Uint8Array(60_000), Buffer.alloc(60_000)], "large"],
  ["a long text", "x".repeat(200_000), "large"],
  ["an array under the limit beside a long text", { a: new Float32Array(20_000), t: "x".repeat(30_000) }, "large"],
])("%s: decided once, by its whole length", (_, value, kind) => {
  const encoded = encodeForTransfer(value, "value");
  expect(encoded.kind).toBe(kind);
  expect(decoded(encoded)).toStrictEqual(value);
  if (encoded.kind === "inline") expect(encoded.value.data).toEqual(encodeValue(value, "value").data);
});

test("a large array is not copied to be encoded", () => {
  const array = new Float64Array(20_000);
  const encoded = encodeForTransfer({ array }, "value");
  const [buffer] = encoded.kind === "large" ? encoded.value.buffers : [];
  expect(buffer?.buffer).toBe(array.buffer);
  expect(encoded.value).toMatchObject({ objects: [], actors: [] });
});

test("what cannot travel is refused with its path, large or not", () => {
  const value = { big: new Float64Array(50_000), at: [new Map()] };
  expect(() => encodeForTransfer(value, "argument 1")).toThrow(/argument 1\.at\[0\]: a Map cannot leave its process/);
});

test("an object that is cut short or is none throws, and nothing else happens", () => {
  const object = stored({ array: new Float64Array(1000), text: "x" });
  fc.assert(
    fc.property(fc.nat({ max: object.byteLength - 1 }), (length) => {
      expect(() => read(object.subarray(0, length))).toThrow(RangeError);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 199 }), (bytes, at) => {
      const damaged = object.slice();
      damaged.set(bytes.subarray(0, damaged.byteLength - at), at);
      try {
        read(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 300 },
  );
});
