/** One experiment from its tasks to its summary, on whichever backbone: opens the crew, runs the loop, closes the crew. */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { openTasks, TaskOrder, type TaskSet } from "../actors/index.ts";
import type { AstuneConfig, LoadedConfig } from "../configs/index.ts";
import { type Experiment, type Progress, type Summary, summaryTable, WEIGHTS } from "./experiment/index.ts";
import { type Crew, type CrewOptions, planLoop, type SearchFolders, TuningLoop } from "./loop/index.ts";

/** Tasks to learn from, and those held out. */
export interface TaskSets {
  readonly training: TaskSet;
  readonly validation: TaskSet | undefined;
}

export interface ExperimentRun {
  readonly loaded: LoadedConfig;
  readonly tasks: TaskSets;
  readonly experiment: Experiment;
  readonly progress: Progress;
  readonly searchFolders: SearchFolders;
  /** A folder on a file system that learner and engines see. */
  readonly weightsRoot: string;
  readonly openCrew: (options: CrewOptions) => Promise<Crew>;
  readonly resume: boolean;
  /** Part of what the run had was lost: it goes on with fewer machines than it was planned for. */
  readonly afterLoss?: boolean;
  readonly signal: AbortSignal;
}

/** Opens the task sets; a JSONL reader without a validation file has none held out. */
export async function openTaskSets({ task_reader: reader }: AstuneConfig): Promise<TaskSets> {
  const none = reader.type === "dataset_file" && reader.dataset_file.validation.file_path === null;
  const training = await openTasks(reader, "training");
  return { training, validation: none ? undefined : await openTasks(reader, "validation") };
}

/** Runs to the end, and keeps in the experiment's folder how it stands. Throws the signal's reason when it was stopped. */
export async function runExperiment(run: ExperimentRun): Promise<Summary> {
  const { loaded, tasks, experiment, signal } = run;
  const plan = planLoop(loaded.config, tasks.training.length, tasks.validation?.length ?? 0);
  const state = { startedAt: new Date().toISOString(), totalSteps: plan.totalSteps };
  try {
    await experiment.writeState({ ...state, state: "running" });
    const summary = await withCrew(run, plan.totalUpdates, (crew) => loopOver(run, plan, crew));
    await experiment.writeState({ ...state, state: "finished" });
    return summary;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // A disk that is full may not take this either; the run's own error is the one to tell.
    const ended = signal.aborted ? "stopped" : "failed";
    await experiment.writeState({ ...state, state: ended, error: reason }).catch(() => undefined);
    throw error;
  }
}

async function withCrew<T>(run: ExperimentRun, totalUpdates: number, use: (crew: Crew) => Promise<T>): Promise<T> {
  const { loaded, experiment, progress, signal } = run;
  const weightsFolder = await mkdtemp(join(run.weightsRoot, WEIGHTS));
  let crew: Crew | undefined;
  const stop = (): void => void crew?.close();
  signal.addEventListener("abort", stop);
  try {
    crew = await run.openCrew({
      config: loaded.config,
      totalUpdates,
      searchFolders: run.searchFolders,
      logFolder: experiment.logsFolder,
      weightsFolder,
      badBatchFolder: join(experiment.folder, "skipped_batches"),
      say: (line) => progress.say(line),
      afterLoss: run.afterLoss === true,
    });
    signal.throwIfAborted();
    return await use(crew);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    await crew?.close();
    await rm(weightsFolder, { recursive: true, force: true });
  }
}

async function loopOver(run: ExperimentRun, plan: ReturnType<typeof planLoop>, crew: Crew): Promise<Summary> {
  const { loaded, tasks, experiment, progress, signal } = run;
  progress.say(crew.description);
  const loop = new TuningLoop({
    plan,
    crew,
    ...tasks,
    order: new TaskOrder(tasks.training.length, loaded.config.seed),
    experiment,
    progress,
    name: loaded.experimentName,
    signal,
  });
  if (run.resume) {
    const step = await loop.resume();
    progress.say(step > 0 ? `resumed after step ${step}` : "no checkpoint yet: starting from the first step");
  }
  const summary = await loop.run();
  progress.say(summaryTable(summary));
  progress.say(`curves: ${experiment.curvesFile}`);
  progress.say(`summary: ${experiment.summaryFile}`);
  progress.say(`tuned model: ${summary.model}`);
  return summary;
}
