/** The order of tasks: every task once a pass, another order each pass, the same from the same seed and after a resume. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { TaskOrder } from "../../../actors/tasks/index.ts";

const inOrder = (length: number): number[] => Array.from({ length }, (_, i) => i);

test("each pass takes every task once, in another order", () => {
  const order = new TaskOrder(50, 7);
  const [first, second] = [order.next(50), order.next(50)];
  expect(first.toSorted((a, b) => a - b)).toEqual(inOrder(50));
  expect(second.toSorted((a, b) => a - b)).toEqual(inOrder(50));
  expect(first).not.toEqual(inOrder(50));
  expect(second).not.toEqual(first);
  expect(order.epoch).toBe(2);
});

test("the order depends on the seed and on nothing else", () => {
  expect(new TaskOrder(100, 1).next(250)).toEqual(new TaskOrder(100, 1).next(250));
  expect(new TaskOrder(100, 1).next(100)).not.toEqual(new TaskOrder(100, 2).next(100));
  expect(new TaskOrder(8, 42).next(8)).toMatchInlineSnapshot(`
    [
      6,
      3,
      0,
      1,
      5,
      4,
      7,
      2,
    ]
  `);
});

test("however it is asked in pieces and saved between them, the order is the same", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer(),
      fc.array(fc.integer({ min: 0, max: 60 })),
      (length, seed, pieces) => {
        const whole = new TaskOrder(length, seed).next(pieces.reduce((sum, n) => sum + n, 0));
        let order = new TaskOrder(length, seed);
        const taken = pieces.flatMap((count) => {
          const saved = JSON.parse(JSON.stringify(order.state())) as ReturnType<TaskOrder["state"]>;
          order = new TaskOrder(length, seed);
          order.restore(saved);
          return order.next(count);
        });
        expect(taken).toEqual(whole);
      },
    ),
  );
});

test("a state of another set or seed is refused", () => {
  const state = new TaskOrder(10, 1).state();
  expect(() => new TaskOrder(11, 1).restore(state)).toThrow(/10 tasks, seed 1; this one is of 11 tasks/);
  expect(() => new TaskOrder(10, 2).restore(state)).toThrow(RangeError);
});

test("an empty set has no order", () => {
  expect(() => new TaskOrder(0, 1)).toThrow(RangeError);
});

test("every place is about equally likely for every task", () => {
  const counts = inOrder(5).map(() => 0);
  for (let seed = 0; seed < 2000; seed += 1) {
    const place = new TaskOrder(5, seed).next(5).indexOf(0);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(80);
});
