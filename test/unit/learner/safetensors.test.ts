/** The safetensors format, round trip and against its definition. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../../../actors/learner/index.ts";

test("what is written is read back, whatever the dtypes and sizes", () => {
  const arrays = fc.oneof(fc.float32Array(), fc.float64Array(), fc.int32Array(), fc.int8Array(), fc.uint8Array());
  const names = fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__" && name !== "__proto__");
  fc.assert(
    fc.property(fc.dictionary(names, arrays), (entries) => {
      const tensors = Object.fromEntries(
        Object.entries(entries).map(([k, data]) => [k, { data, shape: [data.length] }]),
      );
      const read = decodeSafetensors(encodeSafetensors(tensors));
      expect(Object.keys(read).sort()).toEqual(Object.keys(tensors).sort());
      for (const [name, { data }] of Object.entries(tensors)) expect(read[name]?.data).toEqual(data);
    }),
  );
});

test("the layout is the format's: length, JSON, aligned data", () => {
  const bytes = encodeSafetensors({
    flags: { data: Uint8Array.of(1, 2, 3), shape: [3] },
    values: { data: Float64Array.of(1.5, -2), shape: [2, 1] },
  });
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  expect(length % 8).toBe(0);
  expect(header.values).toEqual({ dtype: "F64", shape: [2, 1], data_offsets: [0, 16] });
  expect(header.flags).toEqual({ dtype: "U8", shape: [3], data_offsets: [16, 19] });
  expect(bytes.readDoubleLE(8 + length)).toBe(1.5);
  expect(bytes.length).toBe(8 + length + 19);
});

test("damaged files and wrong shapes are refused with what is wrong", () => {
  const whole = encodeSafetensors({ x: { data: Float32Array.of(1, 2), shape: [2] } });
  expect(() => decodeSafetensors(whole.subarray(0, whole.length - 1))).toThrow("x: the file ends before its data");
  expect(() => decodeSafetensors(Buffer.alloc(4))).toThrow("does not fit");
  expect(() => encodeSafetensors({ x: { data: Float32Array.of(1), shape: [2] } })).toThrow("does not hold 1 values");
});
