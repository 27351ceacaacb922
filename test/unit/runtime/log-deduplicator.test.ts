import fc from "fast-check";
import { expect, test } from "vitest";
import { LogDeduplicator } from "../../../runtime/cluster/log-deduplicator.ts";

const batch = (pid: number, ...lines: string[]) => ({ source: "Counter", pid, ip: "10.0.0.1", isError: false, lines });

test("the first line is shown at once, those of other processes are counted until the window is over", () => {
  const logs = new LogDeduplicator(5_000);
  expect(logs.add(batch(1, "step 1 of 10"), 0)).toEqual([batch(1, "step 1 of 10")]);
  expect(logs.add(batch(2, "step 2 of 10"), 1_000)).toEqual([]);
  expect(logs.add(batch(3, "step 0x7f of 10"), 2_000)).toEqual([]);
  expect(logs.isWaiting).toBe(true);
  expect(logs.due(6_999)).toEqual([]);
  expect(logs.due(7_001)).toEqual([batch(3, "step 0x7f of 10 [repeated 2x across cluster]")]);
  expect(logs.isWaiting).toBe(false);
  expect(logs.add(batch(2, "step 2 of 10"), 7_002)).toHaveLength(1);
});

test("one process alone may say the same as often as it likes; one repetition is shown as it is", () => {
  const logs = new LogDeduplicator(5_000);
  for (let i = 0; i < 3; i += 1) expect(logs.add(batch(1, "tick"), i)).toEqual([batch(1, "tick")]);
  expect(logs.add(batch(2, "tick", "tock"), 4)).toEqual([batch(2, "tock")]);
  expect(logs.due(Number.POSITIVE_INFINITY)).toEqual([batch(2, "tick")]);
});

test("whatever is printed, every line is shown or counted", () => {
  const printed = fc.record({
    pid: fc.nat({ max: 3 }),
    text: fc.constantFrom("a 1", "a 2", "b", "c"),
    ms: fc.nat({ max: 4_000 }),
  });
  fc.assert(
    fc.property(fc.array(printed, { maxLength: 60 }), (steps) => {
      const logs = new LogDeduplicator(5_000);
      let now = 0;
      const shown = steps.flatMap(({ pid, text, ms }) => {
        now += ms;
        return logs.add(batch(pid, text), now);
      });
      shown.push(...logs.due(Number.POSITIVE_INFINITY));
      const count = shown
        .flatMap(({ lines }) => lines)
        .reduce((sum, line) => sum + Number(/\[repeated (\d+)x across cluster\]$/.exec(line)?.[1] ?? 1), 0);
      expect(count).toBe(steps.length);
    }),
  );
});
