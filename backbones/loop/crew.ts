/** What the loop asks of its actors. A backbone says where they live; the loop does not know. */

import type {
  Episode,
  EpisodeRequest,
  JudgeResult,
  Task,
  TrainingSample,
  TrainMetrics,
  TrainOptions,
} from "../../actors/index.ts";
import type { AstuneConfig } from "../../configs/index.ts";
import type { SearchFolders } from "./actor-options.ts";

/** What a backbone opens a crew with. */
export interface CrewOptions {
  readonly config: AstuneConfig;
  /** Optimiser updates of the whole run. */
  readonly totalUpdates: number;
  readonly searchFolders: SearchFolders;
  readonly logFolder: string;
  /** Where weights lie on their way to an engine of its own process. */
  readonly weightsFolder: string;
  /** Where batches of skipped updates are kept. */
  readonly badBatchFolder: string;
  readonly say: (line: string) => void;
  /** Part of what the run had was lost: what is left may be less than the configuration asks for. */
  readonly afterLoss?: boolean;
}

export interface Crew {
  /** One line for people: engine, devices. */
  readonly description: string;
  /** Rolls out one episode. A failure inside is in the episode's status; it rejects only when the actor is gone. */
  runEpisode(request: EpisodeRequest): Promise<Episode>;
  /** Scores a finished episode. Rejects when the judge throws or returns no finite number. */
  judge(task: Task, episode: Episode): Promise<JudgeResult>;
  train(samples: readonly TrainingSample[], options: TrainOptions): Promise<TrainMetrics>;
  /** Gives the learner's weights to every engine; later replies carry `version`. */
  publishWeights(version: number): Promise<void>;
  /** Weights, optimiser and random state of the learner. */
  saveLearner(folder: string): Promise<void>;
  loadLearner(folder: string): Promise<void>;
  /** The tuned model as a Hugging Face folder. */
  exportModel(folder: string): Promise<void>;
  writeScalars(folder: string, step: number, values: Readonly<Record<string, number>>): Promise<void>;
  drawCurves(metricsFile: string, image: string, title: string): Promise<void>;
  close(): Promise<void>;
}
