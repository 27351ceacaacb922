/** A run of the loop whose episodes, updates and weight swaps end in an order that the test decides. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Episode,
  type EpisodeRequest,
  type Task,
  TaskOrder,
  type TaskSet,
  type TrainingSample,
  type TrainMetrics,
} from "../../../actors/index.ts";
import { Experiment, type MetricsRow, Progress } from "../../../backbones/experiment/index.ts";
import { type LoopPlan, TuningLoop } from "../../../backbones/loop/index.ts";
import { type Script, ScriptedCrew } from "./scripted-crew.ts";

/** Holds something up: resolves when it may go on. */
export type Gate = (what: "episode" | "train" | "weights", label: string) => Promise<unknown>;

const task = (index: number): Task => ({
  taskId: `t${index}`,
  mainQuery: "?",
  initMessages: [],
  envType: "no_env",
  metadata: {},
});

const tasks = (length: number): TaskSet => ({ length, at: async (index) => task(index) });

/** Which group a sample is of: its first token. */
export const groupNumber = (step: number, taskId: string): number => step * 1000 + Number(taskId.slice(1));

/** Its tokens say which group they are of, and carry the version that was served when their episode began. */
export class GatedCrew extends ScriptedCrew {
  readonly #gate: Gate;
  readonly trained: TrainingSample[][] = [];
  /** Version of the weights at each update, before it. */
  readonly trainedVersions: number[] = [];
  /** Steps whose weights were served when each training episode began, and the step it was for. */
  readonly begun: { readonly published: number; readonly step: number }[] = [];
  version = 0;
  #served = 0;
  readonly #firstStep: number;

  constructor(gate: Gate, script: Script, firstStep = 0) {
    super(script);
    this.#gate = gate;
    this.#firstStep = firstStep;
  }

  override async runEpisode(request: EpisodeRequest): Promise<Episode> {
    if (request.split === "train") {
      this.begun.push({ published: this.#firstStep + this.published.length, step: request.step });
    }
    const version = this.#served;
    await this.#gate("episode", request.episodeId);
    const episode = await super.runEpisode(request);
    const tokenIds = [groupNumber(request.step, request.task.taskId), 2];
    return {
      ...episode,
      sequences: [{ tokenIds, lossMask: [0, 1], logprobs: [0, -1], weightVersions: [-1, version] }],
    };
  }

  override async train(samples: readonly TrainingSample[]): Promise<TrainMetrics> {
    this.trainedVersions.push(this.version);
    this.trained.push([...samples]);
    await this.#gate("train", String(this.trained.length));
    const metrics = await super.train(samples);
    this.version += metrics.updates > metrics.skippedUpdates ? 1 : 0;
    return metrics;
  }

  override async publishWeights(version: number): Promise<void> {
    await this.#gate("weights", String(version));
    await super.publishWeights(version);
    this.#served = version;
  }
}

export interface RunSettings {
  readonly folder: string;
  readonly plan: Partial<LoopPlan> & { readonly repeats?: number; readonly maxParallel?: number };
  readonly gate: Gate;
  readonly script?: Script;
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
}

export interface ScheduledRun {
  readonly crew: GatedCrew;
  readonly loop: TuningLoop;
  readonly experiment: Experiment;
}

export async function openRun(settings: RunSettings): Promise<ScheduledRun> {
  const { folder, plan: given, gate, script = {}, resume = false } = settings;
  const { repeats = 2, maxParallel = 4, ...plan } = given;
  const experiment = resume ? await Experiment.reopen(folder, "") : await Experiment.create(folder, "");
  const from = resume ? ((await experiment.checkpointSteps()).at(-1) ?? 0) : 0;
  const crew = new GatedCrew(gate, script, from);
  const common = { sampling: { temperature: 1, topP: 1, topK: -1 }, maxParallel, timeoutMs: 1000, maxRetries: 1 };
  const loop = new TuningLoop({
    plan: {
      totalSteps: 4,
      totalUpdates: 4,
      tasksPerStep: 3,
      dynamicSampling: false,
      maxStaleness: 1,
      saveEvery: 100,
      testEvery: 100,
      validateBefore: false,
      validationTasks: 0,
      checkpointsToKeep: 2,
      tensorboard: false,
      algorithm: "grpo",
      train: {} as LoopPlan["train"],
      rollout: { ...common, split: "train", repeats },
      validation: { ...common, split: "validation", repeats: 1 },
      ...plan,
    },
    crew,
    training: tasks(100),
    validation: undefined,
    order: new TaskOrder(100, 3),
    experiment,
    progress: new Progress({ write: () => true }, join(folder, "run.log")),
    name: "test",
    signal: settings.signal ?? new AbortController().signal,
  });
  if (resume) {
    await loop.resume();
    crew.published.length = 0;
    crew.version = JSON.parse(
      await readFile(join(experiment.checkpointFolder(from), "loop.json"), "utf8"),
    ).weightVersion;
  }
  return { crew, loop, experiment };
}

export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "astune-loop-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The rows of the steps. */
export const stepRows = async (experiment: Experiment): Promise<MetricsRow[]> =>
  (await experiment.metrics()).filter((row) => row.step > 0);
