import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Task, TaskOrder, type TaskSet } from "../../../actors/index.ts";
import { Experiment, Progress } from "../../../backbones/experiment/index.ts";
import { type LoopPlan, TuningLoop } from "../../../backbones/loop/index.ts";
import { type Script, ScriptedCrew } from "./scripted-crew.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-loop-"));
});
afterEach(() => rm(folder, { recursive: true }));

const task = (index: number): Task => ({
  taskId: `t${index}`,
  mainQuery: "?",
  initMessages: [],
  envType: "no_env",
  metadata: {},
});
const tasks = (length: number): TaskSet => ({ length, at: async (index) => task(index) });

const PLAN: LoopPlan = {
  totalSteps: 4,
  totalUpdates: 4,
  tasksPerStep: 3,
  dynamicSampling: false,
  maxStaleness: 0,
  saveEvery: 2,
  testEvery: 100,
  validateBefore: true,
  validationTasks: 2,
  checkpointsToKeep: 2,
  tensorboard: true,
  algorithm: "grpo",
  train: {
    algorithm: "grpo",
    temperature: 1,
    clipRatioLow: 0.2,
    clipRatioHigh: 0.2,
    clipRatioC: 3,
    lossAggregation: "token-mean",
    maxSequenceLength: 100,
    importanceSamplingCap: 2,
    klLossCoef: 0,
    klLossType: "k3",
    miniBatches: 1,
    maxTokensPerMicroBatch: 1000,
  },
  rollout: {
    split: "train",
    repeats: 4,
    sampling: { temperature: 1, topP: 1, topK: -1 },
    maxParallel: 2,
    timeoutMs: 1000,
    maxRetries: 1,
    seed: 7,
  },
  validation: {
    split: "validation",
    repeats: 1,
    sampling: { temperature: 0, topP: 1, topK: -1 },
    maxParallel: 2,
    timeoutMs: 1000,
    maxRetries: 1,
    seed: 7,
  },
};

interface Run {
  crew: ScriptedCrew;
  experiment: Experiment;
  loop: TuningLoop;
}

async function open(script: Script = {}, plan: Partial<LoopPlan> = {}, resume = false, name = "run"): Promise<Run> {
  const path = join(folder, name);
  const experiment = resume ? await Experiment.reopen(path, "") : await Experiment.create(path, "");
  const crew = new ScriptedCrew(script);
  const loop = new TuningLoop({
    plan: { ...PLAN, ...plan },
    crew,
    training: tasks(10),
    validation: tasks(2),
    order: new TaskOrder(10, 7),
    experiment,
    progress: new Progress({ write: () => true }, join(path, "run.log")),
    name: "test",
    signal: new AbortController().signal,
  });
  if (resume) await loop.resume();
  return { crew, experiment, loop };
}

/** Rewards that depend on the episode's seed alone, as a model's would. */
const bySeed: Script = { reward: (_task, episode) => Number(episode.judgeInput["seed"] ?? 0) % 2 };

const timeless = (rows: readonly Record<string, number>[]): unknown[] =>
  rows.map((row) => Object.fromEntries(Object.entries(row).filter(([key]) => !/^(time|throughput)\//.test(key))));

test("runs every step, validates before and after, and says what it did", async () => {
  const { loop, crew, experiment } = await open();
  const summary = await loop.run();
  expect(summary).toMatchObject({ steps: 4, episodes: 48, before: { success: 0, tool_use: 1 }, after: { success: 0 } });
  expect(crew.published.at(-1)).toBe(4);
  expect((await experiment.metrics()).map((row) => row.step)).toEqual([0, 1, 2, 3, 4]);
  expect(await experiment.checkpointSteps()).toEqual([2, 4]);
});

test("a run that was killed between checkpoints continues with the same numbers as an unbroken one", async () => {
  const unbroken = await open(bySeed, {}, false, "unbroken");
  await unbroken.loop.run();

  let trained = 0;
  const dies: Script = {
    ...bySeed,
    onTrain: () => {
      if (++trained === 4) throw new Error("killed");
    },
  };
  const broken = await open(dies, {}, false, "broken");
  await expect(broken.loop.run()).rejects.toThrow("killed");
  await writeFile(join(folder, "broken", "checkpoints", ".unfinished-step-000004"), "half a checkpoint");

  const resumed = await open(bySeed, {}, true, "broken");
  const summary = await resumed.loop.run();
  expect(timeless(await resumed.experiment.metrics())).toEqual(timeless(await unbroken.experiment.metrics()));
  expect(resumed.crew.learned).toBe(unbroken.crew.learned);
  expect(summary.before).not.toBeNull();
  expect(await readdir(join(folder, "broken", "checkpoints"))).toEqual(["step-000002", "step-000004"]);
});

test("a run that was killed before its first checkpoint begins again", async () => {
  const dies: Script = {
    onTrain: () => {
      throw new Error("killed");
    },
  };
  const broken = await open(dies);
  await expect(broken.loop.run()).rejects.toThrow("killed");
  const resumed = await open({}, {}, true);
  expect((await resumed.loop.run()).steps).toBe(4);
  expect((await resumed.experiment.metrics()).map((row) => row.step)).toEqual([0, 1, 2, 3, 4]);
});

test("a failed episode is tried again, counted, and never trained", async () => {
  const failing: Script = { status: (r) => (r.split === "train" && r.repeat === 0 ? "failed" : "finished") };
  const { loop, experiment } = await open(failing, { totalSteps: 1 });
  const summary = await loop.run();
  expect(summary).toMatchObject({ episodes: 9, failed_episodes: 6 });
  expect((await experiment.metrics())[1]).toMatchObject({
    "episode/failed": 6,
    "episode/retried": 3,
    "episode/count": 9,
  });
});

test("an overlong episode is kept with reward 0 and is not judged", async () => {
  const judged: string[] = [];
  const script: Script = {
    status: (r) => (r.repeat === 1 ? "context_overflow" : "finished"),
    reward: (_task, episode) => {
      judged.push(episode.status);
      return 1;
    },
  };
  const { loop, experiment } = await open(script, { totalSteps: 1, validateBefore: false });
  await loop.run();
  expect(judged).not.toContain("context_overflow");
  expect((await experiment.metrics())[0]).toMatchObject({ "reward/mean": 0.75, "episode/context_overflow": 0.25 });
});

test("a run in which everything fails ends with one line that names the first failure", async () => {
  const { loop } = await open({ status: () => "failed" });
  await expect(loop.run()).rejects.toThrow(
    /expected some episode to finish, got \d+ failures and no success, the first: failed as scripted/,
  );
});

test("a judge that gives no number costs its episodes, not the run", async () => {
  const script: Script = {
    reward: (_task, episode) => {
      if (episode.repeat === 2) throw new Error("the judge returned NaN");
      return episode.repeat % 2;
    },
  };
  const { loop } = await open(script, { totalSteps: 1, validateBefore: false });
  expect(await loop.run()).toMatchObject({ episodes: 9, failed_episodes: 6 });
});

test("a skipped update leaves the weights' version where it was", async () => {
  const { loop, crew } = await open({ updates: 0 }, { totalSteps: 2 });
  expect(await loop.run()).toMatchObject({ skipped_updates: 2 });
  expect(crew.published).toEqual([0, 0]);
});

test("dynamic sampling trains only mixed groups and goes on until the step is full", async () => {
  let seen = 0;
  const script: Script = {
    // Every third task has one reward for all its episodes.
    reward: (t, episode) => (Number(t.taskId.slice(1)) % 3 === 0 ? 0 : episode.repeat % 2),
    onTrain: (samples) => {
      seen += samples.length;
      expect(samples.every((sample) => sample.advantage !== 0)).toBe(true);
    },
  };
  const { loop } = await open(script, { dynamicSampling: true, totalSteps: 3 });
  const summary = await loop.run();
  expect(seen).toBe(3 * 3 * 4);
  expect(summary.episodes).toBeGreaterThan(36);
});

test("the order of tasks covers every task once before any comes again", async () => {
  const { loop, crew } = await open({}, { totalSteps: 3, tasksPerStep: 3 });
  await loop.run();
  const order = [...new Set(crew.requests.filter((r) => r.split === "train").map((r) => r.task.taskId))];
  expect(order).toHaveLength(9);
});
