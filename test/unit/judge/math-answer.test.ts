/** What counts as the same answer: the forms people write a number in, and the near misses that must not count. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { extractAnswer, referenceAnswer, sameAnswer } from "../../../actors/judge/index.ts";

describe("the reference", () => {
  test.each([
    ["Natalia sold 48/2 = <<48/2=24>>24 clips.\n#### 72", "72"],
    ["a #### 1 then #### 2,000 ", "2,000"],
    ["so \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"],
    [" 42 ", "42"],
  ])("of %j is %j", (solution, reference) => expect(referenceAnswer(solution)).toBe(reference));
});

describe("the box", () => {
  test.each([
    ["The answer is \\boxed{42}.", "42"],
    ["\\boxed{\\frac{1}{2}} apples", "\\frac{1}{2}"],
    ["first \\boxed{1}, no: \\boxed{\\text{a {b} c}}", "\\text{a {b} c}"],
    ["\\boxed{7} and then \\boxed{8", "7"],
    ["\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"],
    ["\\boxed {5}", "5"],
    ["\\fbox{no} \\fboxed{6}", "6"],
    ["\\boxed{\\boxed{9}}", "9"],
    ["\\boxed{}", ""],
  ])("in %j holds %j", (text, answer) => expect(extractAnswer(text)).toBe(answer));

  test.each(["42", "", "boxed{42}", "\\boxed 42", "\\boxed{42"])("is not in %j", (text) => {
    expect(extractAnswer(text)).toBeUndefined();
  });

  test("a megabyte of open boxes is searched in bounded time", () => {
    const started = performance.now();
    expect(extractAnswer("\\boxed{".repeat(150_000))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("the same answer", () => {
  test.each([
    ["18", "18"],
    ["1,000", "1000"],
    ["1{,}000", "1000"],
    ["1\\,000", "1,000"],
    ["1 000 000", "1000000"],
    ["1,234,567.50", "1234567.5"],
    ["$18", "18"],
    ["\\$18", "18"],
    ["\\$1,000.00", "1000"],
    ["-$5", "-5"],
    ["$18$", "18"],
    ["$\\$18$", "18"],
    ["\\(18\\)", "18"],
    ["18.0", "18"],
    ["18.", "18"],
    ["+18", "18"],
    ["018", "18"],
    [".5", "0.5"],
    ["18\\%", "18%"],
    ["18\\%", "18"],
    ["18 percent", "18%"],
    ["0.18", "18%"],
    ["\\frac{1}{2}", "0.5"],
    ["\\dfrac{1}{2}", "1/2"],
    ["\\tfrac12", "\\frac{1}{2}"],
    ["\\frac{\\frac{1}{2}}{2}", "0.25"],
    ["-\\frac{3}{4}", "-0.75"],
    ["1\\frac{1}{2}", "1.5"],
    ["1 1/2", "3/2"],
    ["-1 1/2", "-1.5"],
    ["1½", "1.5"],
    ["½", "0.5"],
    ["2/4", "1/2"],
    ["18\\text{ dollars}", "18"],
    ["18 \\text{ dollars per hour}", "18"],
    ["18 dollars", "18"],
    ["18 miles/hour", "18"],
    ["18 cm^2", "18"],
    ["18 m^{2}", "18"],
    ["18\\,\\mathrm{kg}", "18"],
    ["5 m", "5"],
    ["90^\\circ", "90"],
    ["90°", "90"],
    ["€18", "18"],
    ["18 €", "18"],
    ["18 USD", "18"],
    ["2 million", "2000000"],
    ["2 million dollars", "2,000,000"],
    ["\u22125", "-5"],
    ["\u20135", "-5"],
    ["１８", "18"],
    ["1.8e1", "18"],
    ["1.8 \\times 10^{1}", "18"],
    ["1.8×10^1", "18"],
    ["6.02 \\cdot 10^{23}", "6.02e23"],
    ["10^{-2}", "0.01"],
    ["2^{10}", "1024"],
    ["\\sqrt{16}", "4"],
    ["2\\sqrt{2}", "2.8284271247461903"],
    ["2\\pi", "2π"],
    ["2\\pi", "6.283185307179586"],
    ["x = 5", "5"],
    ["x=5", "x = 5"],
    ["2 + 3 = 5", "5"],
    ["\\approx 18", "18"],
    ["0.3333333333333333", "1/3"],
    ["0.30000000000000004", "0.3"],
    ["(18)", "18"],
    ["\\left(1, 2\\right)", "(1,2)"],
    ["(1.0, \\frac{4}{2})", "(1,2)"],
    ["1, 2", "1,2"],
    ["\\text{Yes}", "yes"],
    ["\\textbf{18}", "18"],
    ["\\displaystyle 18", "18"],
    ["3:4", "3 : 4"],
    ["123456789012345678901234567890", "123,456,789,012,345,678,901,234,567,890"],
  ])("%j is %j", (given, reference) => {
    expect(sameAnswer(given, reference)).toBe(true);
    expect(sameAnswer(reference, given)).toBe(true);
  });

  test.each([
    ["18", "19"],
    ["1,2", "12"],
    ["1,00", "100"],
    ["1,0000", "10000"],
    ["1.000", "1000"],
    ["12", "1 2"],
    ["2x", "2"],
    ["2 x", "2"],
    ["x", "2"],
    ["18 or 20", "18"],
    ["18 and a half", "18"],
    ["18 to 20", "18"],
    ["18 million", "18"],
    ["5 hours 30 minutes", "5"],
    ["-18", "18"],
    ["0.33", "1/3"],
    ["0.333333", "1/3"],
    ["10000000001", "10000000000"],
    ["123456789012345678901234567890", "123456789012345678901234567891"],
    ["1/0", "1"],
    ["", "18"],
    ["18", ""],
    ["NaN", "18"],
    ["Infinity", "18"],
    ["infinity", "18"],
    ["1 1/2", "11/2"],
    ["x=5", "6"],
    ["y = 5 = 6", "6"],
    ["6 = 5", "5"],
    ["(1,2)", "[1,2]"],
    ["(1,2)", "(2,1)"],
    ["(1,2)", "(1,2,3)"],
    ["The answer is 18", "18"],
    ["process.exit(18)", "18"],
    ["18; 19", "18"],
    ["18%", "1800"],
    ["A", "a"],
    ["3:4", "0.75"],
    ["18 19", "1819"],
  ])("%j is not %j", (given, reference) => {
    expect(sameAnswer(given, reference)).toBe(false);
    expect(sameAnswer(reference, given)).toBe(false);
  });

  test("towers of powers and endless text cost nothing", () => {
    const started = performance.now();
    expect(sameAnswer("9^9^9^9^9^9", "1")).toBe(false);
    expect(sameAnswer("9".repeat(199), "1")).toBe(false);
    expect(sameAnswer(`${"(".repeat(150)}1${")".repeat(20)}`, "1")).toBe(false);
    expect(sameAnswer("\\frac".repeat(300), "1")).toBe(false);
    expect(sameAnswer("1 ".repeat(900), "1")).toBe(false);
    expect(sameAnswer("a a".repeat(600), "1")).toBe(false);
    expect(sameAnswer(`1 ${"ab ".repeat(60)}!`, "1")).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test("every whole number is itself in each of its written forms, and never its neighbour", () => {
    fc.assert(
      fc.property(fc.integer({ min: -10_000_000, max: 10_000_000 }), (n) => {
        const forms = [
          `${n}`,
          `${n}.0`,
          n.toLocaleString("en-US"),
          `${n} dollars`,
          `\\frac{${2 * n}}{2}`,
          `\\text{${n}}`,
        ];
        for (const form of forms) {
          expect(sameAnswer(form, String(n))).toBe(true);
          expect(sameAnswer(form, String(n + 1))).toBe(false);
        }
      }),
    );
  });

  test("no text makes it throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (a, b) => typeof sameAnswer(a, b) === "boolean"),
    );
  });
});
