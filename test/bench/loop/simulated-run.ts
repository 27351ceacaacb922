/** A run of the real loop with real RolloutActors and JudgeActor over simulated engines and a simulated learner. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { JudgeActor, RolloutActor, type Task, TaskOrder, type TaskSet } from "../../../actors/index.ts";
import { Experiment, type MetricsRow, Progress } from "../../../backbones/experiment/index.ts";
import { type Crew, type LoopPlan, seedAt, TuningLoop } from "../../../backbones/loop/index.ts";
import { RolloutPool } from "../../../backbones/trinity/index.ts";
import { get, init, put, remote, shutdown } from "../../../runtime/index.ts";
import { lengthOf } from "./lengths.ts";
import { newClock, SimulatedEngine, SimulatedLearner } from "./simulated-actors.ts";

const ROOT = resolve(import.meta.dirname, "..", "..", "..");
const MODEL = join(ROOT, "tutorial", "quickstart_model", "model");

export interface SimulatedCase {
  readonly engines: number;
  readonly maxStaleness: number;
  readonly learnSeconds: number;
  readonly swapSeconds: number;
  readonly tasksPerStep: number;
  readonly repeats: number;
  readonly steps: number;
  readonly seed: number;
  /** Episodes that run at once at most. */
  readonly maxParallel: number;
}

const tasks: TaskSet = {
  length: 100_000,
  at: async (index): Promise<Task> => ({
    taskId: String(index),
    mainQuery: `Question ${index}`,
    initMessages: [],
    envType: "no_env",
    metadata: {},
  }),
};

/** Runs all steps in simulated time and gives their rows; `time/elapsed_seconds` is simulated, too. */
export async function simulate(given: SimulatedCase): Promise<{ rows: readonly MetricsRow[]; realSeconds: number }> {
  const clock = newClock();
  const folder = await mkdtemp(join(tmpdir(), "astune-bench-"));
  const began = performance.now();
  await init({ local: true, wire: true, numCpus: 64 });
  try {
    const { crew, close } = await openCrew(given);
    const experiment = await Experiment.create(join(folder, "run"), "");
    const loop = new TuningLoop({
      plan: planOf(given),
      crew,
      training: tasks,
      validation: undefined,
      order: new TaskOrder(tasks.length, given.seed),
      experiment,
      progress: new Progress({ write: () => true }, join(folder, "run", "run.log")),
      name: "bench",
      signal: new AbortController().signal,
      now: clock.now,
    });
    await clock.during(loop.run());
    await close();
    return { rows: await experiment.metrics(), realSeconds: (performance.now() - began) / 1000 };
  } finally {
    await shutdown();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openCrew(given: SimulatedCase): Promise<{ crew: Crew; close: () => Promise<void> }> {
  const engines = Array.from({ length: given.engines }, () => remote(SimulatedEngine).remote());
  const learner = remote(SimulatedLearner).remote(given.learnSeconds);
  const pool = await RolloutPool.start({
    actors: given.engines,
    say: (line) => process.stderr.write(`${line}\n`),
    make: async () => {
      const actor = remote(RolloutActor)
        .options({ maxConcurrency: 10_000 })
        .remote({
          modelPath: MODEL,
          workflow: "test.bench.loop.asks-once->AsksOnce",
          searchFolders: [ROOT],
          engines,
          maxModelLen: 1024,
          maxResponseTokens: 512,
          sandbox: { timeMs: 1000, memoryBytes: 2 ** 28, processes: 4, outputBytes: 1024 },
        });
      await actor.start.remote();
      return actor;
    },
  });
  const judge = remote(JudgeActor)
    .options({ maxConcurrency: 10_000 })
    .remote({ protocol: "astune.task_judge.math_answer_as_judge->MathAnswerAsJudge", searchFolders: [ROOT] });
  await judge.start.remote();
  const crew: Crew = {
    description: "simulated",
    runEpisode: (request) => pool.run(request),
    judge: async (task, episode) => judge.judge.remote({ task, episode }),
    train: async (samples) => learner.train.remote(put([...samples])),
    publishWeights: async (version) =>
      void (await get(engines.map((engine) => engine.setWeights.remote(version, given.swapSeconds)))),
    saveLearner: async () => {},
    loadLearner: async () => {},
    exportModel: async () => {},
    writeScalars: async () => {},
    drawCurves: async () => {},
    close: async () => {},
  };
  return { crew, close: () => pool.close() };
}

function planOf(given: SimulatedCase): LoopPlan {
  const { maxParallel, seed, repeats } = given;
  const sampling = { temperature: 1, topP: 1, topK: -1 };
  const common = { maxParallel, timeoutMs: 3_600_000, maxRetries: 0, seed, sampling };
  return {
    totalSteps: given.steps,
    totalUpdates: given.steps,
    tasksPerStep: given.tasksPerStep,
    dynamicSampling: false,
    maxStaleness: given.maxStaleness,
    saveEvery: 1_000_000,
    testEvery: 1_000_000,
    validateBefore: false,
    validationTasks: 0,
    checkpointsToKeep: 1,
    tensorboard: false,
    algorithm: "grpo",
    train: {} as LoopPlan["train"],
    rollout: { ...common, split: "train", repeats },
    validation: { ...common, split: "validation", repeats: 1 },
  };
}

/** Lengths in tokens of the replies of a step's episodes. */
export function lengthsOf(given: SimulatedCase, step: number): number[] {
  const at = (place: number, repeat: number): number =>
    lengthOf(requestSeed(seedAt(given.seed, "train", step, 0, place, repeat, 0)));
  return Array.from({ length: given.tasksPerStep }, (_, place) => place).flatMap((place) =>
    Array.from({ length: given.repeats }, (_, repeat) => at(place, repeat)),
  );
}

/** The seed of an episode's first request. */
const requestSeed = (episode: number): number => (episode * 1_000_003) % 2_147_483_647;
