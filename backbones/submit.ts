/** One run from a configuration file to its summary: opens everything, runs the loop, closes everything. */

import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openTasks, pythonPath, sharedRoot, TaskOrder, type TaskSet } from "../actors/index.ts";
import { type AstuneConfig, checkInputs, type LoadedConfig, loadConfig, UserError } from "../configs/index.ts";
import { recordProcess } from "../runtime/processes/index.ts";
import { openDebugCrew } from "./debug/index.ts";
import { Experiment, Progress, type ProgressOutput, type Summary, summaryTable } from "./experiment/index.ts";
import { experimentFolder, newestExperiment } from "./experiment-folder.ts";
import { startLogview } from "./logview/index.ts";
import { type LoopPlan, planLoop, TuningLoop } from "./loop/index.ts";

export interface SubmitOptions {
  readonly conf: string;
  readonly backbone?: string;
  /** `key=value` of the command line. */
  readonly set?: readonly string[];
  readonly resume?: boolean;
  readonly withLogview?: boolean;
  readonly output: ProgressOutput;
  /** Ends the run cleanly when aborted. */
  readonly signal: AbortSignal;
}

/** Runs to the end. Throws a `UserError` for bad input, and the signal's reason when it was stopped. */
export async function submit(options: SubmitOptions): Promise<Summary> {
  const loaded = await loadConfig(options.conf, {
    ...(options.set && { set: [...options.set] }),
    ...(options.backbone !== undefined && { backbone: options.backbone }),
  });
  const { config } = loaded;
  if (config.backbone !== "debug") {
    throw new UserError({
      where: "astune.backbone",
      expected: "debug",
      found: config.backbone,
      fix: "other backbones run on a cluster: see submitToCluster()",
    });
  }
  checkInputs(config, loaded.where);
  pythonPath();
  const training = await openTasks(config.task_reader, "training");
  const validation = await openValidation(config);

  const folder = options.resume ? await newestExperiment(loaded) : experimentFolder(loaded);
  const yaml = loaded.expandedYaml();
  const experiment = options.resume ? await Experiment.reopen(folder, yaml) : await Experiment.create(folder, yaml);
  const progress = new Progress(options.output, join(folder, "run.log"));
  for (const warning of loaded.warnings) progress.say(warning);
  progress.say(`experiment folder: ${folder}`);

  const forget = recordProcess({ pid: process.pid, name: `astune submit ${options.conf}`, leadsGroup: false });
  const logview = options.withLogview ? await startLogview({ folder, port: 8181 }) : undefined;
  if (logview !== undefined) progress.say(`logview: ${logview.url}`);
  const startedAt = new Date().toISOString();
  const plan = planLoop(config, training.length, validation?.length ?? 0);
  const state = { startedAt, totalSteps: plan.totalSteps };
  try {
    await experiment.writeState({ ...state, state: "running" });
    const summary = await run(loaded, plan, experiment, progress, training, validation, options);
    await experiment.writeState({ ...state, state: "finished" });
    if (logview !== undefined) progress.say(`to look at it again: astune logview ${folder}`);
    return summary;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // A disk that is full may not take this either; the run's own error is the one to tell.
    const ended = options.signal.aborted ? "stopped" : "failed";
    await experiment.writeState({ ...state, state: ended, error: reason }).catch(() => undefined);
    throw error;
  } finally {
    progress.close();
    await logview?.close();
    forget();
  }
}

async function run(
  loaded: LoadedConfig,
  plan: LoopPlan,
  experiment: Experiment,
  progress: Progress,
  training: TaskSet,
  validation: TaskSet | undefined,
  options: SubmitOptions,
): Promise<Summary> {
  const { config } = loaded;
  const weightsFolder = await mkdtemp(join(await sharedRoot(), "astune-weights-"));
  const crew = await openDebugCrew({
    config,
    searchFolders: [dirname(loaded.path), process.cwd()],
    logFolder: experiment.logsFolder,
    weightsFolder,
    badBatchFolder: join(experiment.folder, "skipped_batches"),
    say: (line) => progress.say(line),
  });
  const stop = (): void => void crew.close();
  options.signal.addEventListener("abort", stop);
  try {
    options.signal.throwIfAborted();
    progress.say(crew.description);
    const loop = new TuningLoop({
      plan,
      crew,
      training,
      validation,
      order: new TaskOrder(training.length, config.seed),
      experiment,
      progress,
      name: loaded.experimentName,
      signal: options.signal,
    });
    if (options.resume) {
      const step = await loop.resume();
      progress.say(step > 0 ? `resumed after step ${step}` : "no checkpoint yet: starting from the first step");
    }
    const summary = await loop.run();
    progress.say(summaryTable(summary));
    progress.say(`curves: ${experiment.curvesFile}`);
    progress.say(`summary: ${experiment.summaryFile}`);
    progress.say(`tuned model: ${summary.model}`);
    return summary;
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    options.signal.removeEventListener("abort", stop);
    await crew.close();
    await rm(weightsFolder, { recursive: true, force: true });
  }
}

/** The held-out tasks; a JSONL reader without a validation file has none. */
async function openValidation(config: AstuneConfig): Promise<TaskSet | undefined> {
  const { task_reader: reader } = config;
  if (reader.type === "dataset_file" && reader.dataset_file.validation.file_path === null) return undefined;
  return openTasks(reader, "validation");
}
