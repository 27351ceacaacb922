/** A crew that follows a script: episodes, rewards and updates without a model. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type {
  Episode,
  EpisodeRequest,
  JudgeResult,
  Task,
  TrainingSample,
  TrainMetrics,
} from "../../../actors/index.ts";
import type { Crew } from "../../../backbones/loop/index.ts";

export interface Script {
  /** Status of an episode; default "finished". */
  status?: (request: EpisodeRequest) => Episode["status"];
  reward?: (task: Task, episode: Episode) => number;
  onTrain?: (samples: readonly TrainingSample[]) => void;
  updates?: number;
}

const NO_FAULTS = { malformedCall: false, noPrint: false, earlyAnswer: false, toolUse: true };

export function episodeOf(request: EpisodeRequest, status: Episode["status"]): Episode {
  return {
    episodeId: request.episodeId,
    taskId: request.task.taskId,
    split: request.split,
    step: request.step,
    repeat: request.repeat,
    status,
    ...(status !== "finished" && { error: `${status} as scripted` }),
    turns: [],
    toolRuns: [],
    faults: NO_FAULTS,
    sequences: [{ tokenIds: [1, 2], lossMask: [0, 1], logprobs: [0, -0.5], weightVersions: [-1, 0] }],
    judgeInput: { seed: request.sampling.seed },
    durationMs: 1,
  };
}

const METRICS: TrainMetrics = {
  loss: 0,
  klLoss: 0,
  entropy: 0,
  gradNorm: 1,
  clipFraction: 0,
  mismatchMean: 1,
  mismatchMax: 1,
  logprobDifference: 0,
  trainedTokens: 1,
  totalTokens: 2,
  updates: 1,
  learningRate: 0.01,
  skippedUpdates: 0,
  skippedBatches: [],
  seconds: 0.001,
};

/** The learner's whole state is a running sum over the seeds of the samples it saw, so that a resume can be checked. */
export class ScriptedCrew implements Crew {
  readonly description = "scripted";
  readonly requests: EpisodeRequest[] = [];
  readonly published: number[] = [];
  learned = 0;
  readonly #script: Script;

  constructor(script: Script = {}) {
    this.#script = script;
  }

  async runEpisode(request: EpisodeRequest): Promise<Episode> {
    this.requests.push(request);
    return episodeOf(request, this.#script.status?.(request) ?? "finished");
  }

  async judge(task: Task, episode: Episode): Promise<JudgeResult> {
    const rawReward = this.#script.reward?.(task, episode) ?? episode.repeat % 2;
    return { rawReward, isSuccess: rawReward >= 1 };
  }

  async train(samples: readonly TrainingSample[]): Promise<TrainMetrics> {
    this.#script.onTrain?.(samples);
    for (const sample of samples) this.learned = (this.learned * 31 + Math.round(sample.advantage * 1000)) % 1_000_003;
    const updates = this.#script.updates ?? 1;
    return { ...METRICS, loss: this.learned, updates, skippedUpdates: updates === 0 ? 1 : 0 };
  }

  async publishWeights(version: number): Promise<void> {
    this.published.push(version);
  }

  async saveLearner(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "state"), String(this.learned));
  }

  async loadLearner(folder: string): Promise<void> {
    this.learned = Number(await readFile(join(folder, "state"), "utf8"));
  }

  async exportModel(): Promise<void> {}
  async writeScalars(): Promise<void> {}
  async drawCurves(): Promise<void> {}
  async close(): Promise<void> {}
}
