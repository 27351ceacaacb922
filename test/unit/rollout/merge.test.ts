import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeTurns, type TurnTokens } from "../../../actors/rollout/index.ts";

const turn = (promptIds: number[], sampledIds: number[]): TurnTokens => ({
  promptIds,
  sampledIds,
  logprobs: sampledIds.map((id) => -id),
  weightVersions: sampledIds.map((id) => id + 100),
});

test("turns whose prompts extend each other are one row, trained on what was sampled", () => {
  expect(mergeTurns([turn([1, 2], [3, 4]), turn([1, 2, 3, 4, 5], [6])])).toEqual([
    {
      tokenIds: [1, 2, 3, 4, 5, 6],
      lossMask: [0, 0, 1, 1, 0, 1],
      logprobs: [0, 0, -3, -4, 0, -6],
      weightVersions: [-1, -1, 103, 104, -1, 106],
    },
  ]);
});

test("timelines that split share their prefix, which is trained in the first row only", () => {
  const rows = mergeTurns([turn([1], [2]), turn([1, 2, 3], [4]), turn([1, 2, 5], [6])]);
  expect(rows.map((row) => row.tokenIds)).toEqual([
    [1, 2, 3, 4],
    [1, 2, 5, 6],
  ]);
  expect(rows.map((row) => row.lossMask)).toEqual([
    [0, 1, 0, 1],
    [0, 0, 0, 1],
  ]);
});

test("a history that was rewritten is a row of its own", () => {
  expect(mergeTurns([turn([1, 2], [3]), turn([1, 9], [3])])).toHaveLength(2);
});

test("the same prompt sampled twice is two rows, even when the replies are equal", () => {
  expect(mergeTurns([turn([1], [2]), turn([1], [2])]).map((row) => row.lossMask)).toEqual([
    [0, 1],
    [0, 1],
  ]);
});

test("no turns, and a turn that sampled nothing, give no rows", () => {
  expect(mergeTurns([])).toEqual([]);
  expect(mergeTurns([turn([1, 2], [])])).toEqual([]);
});

/** Episodes that go on from any earlier turn, or begin anew; few ids, so that prefixes meet by chance too. */
const ids = (minLength: number) => fc.array(fc.integer({ min: 1, max: 3 }), { minLength, maxLength: 5 });
const episodes = fc
  .array(fc.record({ from: fc.nat(), anew: fc.boolean(), added: ids(1), sampled: ids(0) }), { maxLength: 8 })
  .map((steps) => {
    const turns: TurnTokens[] = [];
    for (const { from, anew, added, sampled } of steps) {
      const base = anew ? undefined : turns[from % Math.max(1, turns.length)];
      turns.push(turn([...(base ? [...base.promptIds, ...base.sampledIds] : []), ...added], sampled));
    }
    return turns;
  });

test("each sampled token of each turn is trained exactly once, with its own log-probability and version", () => {
  fc.assert(
    fc.property(episodes, (turns) => {
      const rows = mergeTurns(turns);
      const trained = rows.flatMap((row) => row.tokenIds.filter((_, index) => row.lossMask[index] === 1));
      const sampled = turns.flatMap((each) => each.sampledIds);
      expect([...trained].sort()).toEqual([...sampled].sort());
      for (const row of rows) {
        for (const [index, mask] of row.lossMask.entries()) {
          const id = row.tokenIds[index] as number;
          expect(row.logprobs[index]).toBe(mask === 1 ? -id : 0);
          expect(row.weightVersions[index]).toBe(mask === 1 ? id + 100 : -1);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("every turn stands in some row exactly as the engine saw it", () => {
  fc.assert(
    fc.property(episodes, (turns) => {
      const rows = mergeTurns(turns);
      for (const { promptIds, sampledIds } of turns.filter((each) => each.sampledIds.length > 0)) {
        const seen = [...promptIds, ...sampledIds];
        expect(rows.some((row) => seen.every((id, index) => row.tokenIds[index] === id))).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
