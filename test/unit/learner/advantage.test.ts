/** Group advantages against their formulas. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupAdvantages, isUninformative } from "../../../actors/learner/index.ts";

const reward = fc.double({ min: -10, max: 10, noNaN: true });
const groups = fc.array(fc.array(reward, { minLength: 2, maxLength: 8 }), { minLength: 1, maxLength: 6 });
const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
const std = (xs: readonly number[]) => Math.sqrt(xs.reduce((a, x) => a + (x - mean(xs)) ** 2, 0) / (xs.length - 1));
const varied = (xs: readonly number[]) => Math.max(...xs) - Math.min(...xs) > 1e-3;

function expectClose(actual: readonly number[][], expected: readonly number[][]): void {
  for (const [i, row] of expected.entries())
    for (const [j, value] of row.entries()) expect(actual[i]?.[j]).toBeCloseTo(value, 8);
}

describe("group advantages", () => {
  test.each(["grpo", "gspo", "cispo"] as const)("%s divides by the group's deviation", (name) => {
    fc.assert(
      fc.property(groups, (g) => {
        fc.pre(g.every(varied));
        expectClose(
          groupAdvantages(name, g),
          g.map((rs) => rs.map((r) => (r - mean(rs)) / (std(rs) + 1e-4))),
        );
      }),
    );
  });

  test("dr_grpo only subtracts the mean, and rloo compares with the mean of the others", () => {
    fc.assert(
      fc.property(groups, (g) => {
        expectClose(
          groupAdvantages("dr_grpo", g),
          g.map((rs) => rs.map((r) => r - mean(rs))),
        );
        expectClose(
          groupAdvantages("rloo", g),
          g.map((rs) => rs.map((r, i) => r - mean(rs.filter((_, j) => j !== i)))),
        );
      }),
    );
  });

  test("reinforce_plus_plus has mean 0 and deviation 1 over the whole batch", () => {
    fc.assert(
      fc.property(groups, (g) => {
        fc.pre(g.some(varied));
        const all = groupAdvantages("reinforce_plus_plus", g).flat();
        expect(mean(all)).toBeCloseTo(0, 6);
        expect(std(all)).toBeCloseTo(1, 2);
      }),
    );
  });

  test("a group of equal rewards gives exactly 0, also where its mean is rounded", () => {
    const equal = Array.from({ length: 7 }, () => 0.1);
    for (const name of ["grpo", "dr_grpo", "rloo", "gspo", "cispo", "reinforce_plus_plus"] as const)
      expect(groupAdvantages(name, [equal])[0]).toEqual(equal.map(() => 0));
    expect(isUninformative(equal)).toBe(true);
    expect(isUninformative([1])).toBe(false);
    expect(isUninformative([1, 0])).toBe(false);
  });

  test("a group of one keeps its reward in grpo and has nothing to be compared with elsewhere", () => {
    expect(groupAdvantages("grpo", [[2]])[0]?.[0]).toBeCloseTo(2 / 1.0001, 12);
    expect(groupAdvantages("rloo", [[2]])).toEqual([[0]]);
    expect(groupAdvantages("dr_grpo", [[2]])).toEqual([[0]]);
  });

  test("the shape of the answer is the shape of the rewards", () => {
    expect(groupAdvantages("grpo", [[], [1], [1, 0, 1]]).map((row) => row.length)).toEqual([0, 1, 3]);
    expect(groupAdvantages("sft", [[0, 5]])).toEqual([[1, 1]]);
  });

  test("a reward that is not a number is named", () => {
    expect(() => groupAdvantages("grpo", [[1], [Number.NaN]])).toThrow("group 1: expected finite rewards, got NaN");
  });
});
