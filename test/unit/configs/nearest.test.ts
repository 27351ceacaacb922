/** "did you mean" finds what a hand was likely to have typed. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearest } from "../../../configs/nearest.ts";

test.each([
  ["abc", "abc", 0],
  ["abc", "ab", 1],
  ["abc", "acb", 1],
  ["", "abc", 3],
  ["kitten", "sitting", 3],
])("%s and %s are %i edits apart", (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
});

test("the distance is symmetric, and zero for equal texts alone", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});

test("a far name suggests nothing, a near one the nearest", () => {
  expect(nearest("zzzz", ["seed", "backbone"])).toBeUndefined();
  expect(nearest("Seed", ["seed", "backbone"])).toBe("seed");
  expect(nearest("max_len", ["max_model_len", "max_env_len"])).toBeUndefined();
  expect(nearest("max_mdel_len", ["max_model_len", "max_env_len"])).toBe("max_model_len");
});
