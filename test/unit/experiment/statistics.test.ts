import { expect, test } from "vitest";
import type { JudgedEpisode } from "../../../actors/index.ts";
import { ratesOf, rolloutMetrics, validationMetrics } from "../../../backbones/experiment/index.ts";

const none = { malformedCall: false, noPrint: false, earlyAnswer: false, toolUse: false };

function episode(reward: number, faults: Partial<typeof none> = {}): JudgedEpisode {
  return {
    episodeId: "e",
    taskId: "t",
    split: "train",
    step: 1,
    repeat: 0,
    status: "finished",
    turns: [],
    toolRuns: [],
    faults: { ...none, ...faults },
    sequences: [],
    judgeInput: {},
    durationMs: 1,
    result: { rawReward: reward, isSuccess: reward >= 1 },
  };
}

test("rates are shares of episodes", () => {
  const rates = ratesOf([
    episode(1, { toolUse: true }),
    episode(0, { malformedCall: true, earlyAnswer: true }),
    episode(0, { noPrint: true, toolUse: true }),
    episode(0.5),
  ]);
  expect(rates).toEqual({ success: 0.25, malformed_call: 0.25, no_print: 0.25, early_answer: 0.25, tool_use: 0.5 });
});

test("rewards are averaged over episodes, and a group with different rewards is mixed", () => {
  const metrics = rolloutMetrics([
    [episode(1), episode(0)],
    [episode(1), episode(1)],
  ]);
  expect(metrics).toMatchObject({ "reward/mean": 0.75, "group/mixed": 0.5, "episode/count": 4 });
  expect(metrics["reward/std"]).toBeCloseTo(Math.sqrt(0.1875), 12);
});

test("pass@n counts tasks that any episode solves, all_of_n those that every episode solves", () => {
  const metrics = validationMetrics([
    [episode(1), episode(0)],
    [episode(1), episode(1)],
    [episode(0), episode(0)],
    [episode(0), episode(1)],
  ]);
  expect(metrics).toMatchObject({ "validation/success": 0.5, "validation/pass@2": 0.75, "validation/all_of_2": 0.25 });
});

test("a validation of one episode a task has no pass@n beside its success", () => {
  expect(Object.keys(validationMetrics([[episode(1)]])).filter((key) => key.includes("pass@"))).toEqual([]);
});
