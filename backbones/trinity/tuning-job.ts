/** The tuning loop as an actor, so that a cluster can run it without the command that asked for it. */

import { pythonPath } from "../../actors/index.ts";
import { loadConfig } from "../../configs/index.ts";
import { getRuntimeContext, nodes } from "../../runtime/index.ts";
import { sharedRoot } from "../../runtime/processes/index.ts";
import { Experiment, Progress, type Summary } from "../experiment/index.ts";
import type { SearchFolders } from "../loop/index.ts";
import { openTaskSets, runExperiment } from "../run-experiment.ts";
import { throughLosses } from "./losses.ts";
import { openTrinityCrew } from "./trinity-crew.ts";

export interface TuningJobOptions {
  /** The expanded configuration's file. */
  readonly conf: string;
  /** The experiment's folder; every machine of the run must see it where there are several. */
  readonly folder: string;
  readonly searchFolders: SearchFolders;
  readonly resume: boolean;
}

/** One run of the loop on the cluster. Its log is the experiment's `run.log`, and this process's standard output. */
export class TuningJob {
  readonly #options: TuningJobOptions;
  readonly #stop = new AbortController();
  #running: Promise<Summary> | undefined;

  constructor(options: TuningJobOptions) {
    this.#options = options;
  }

  /** Runs to the end; a second call waits for the same run. An actor that was made again goes on from its last checkpoint. */
  run(): Promise<Summary> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Ends the run cleanly: `run` rejects, and what it started is closed when this resolves. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the job was stopped"));
    await this.#running?.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<Summary> {
    const { conf, folder, searchFolders } = this.#options;
    const afterLoss = getRuntimeContext().wasCurrentActorReconstructed();
    const resume = this.#options.resume || afterLoss;
    const loaded = await loadConfig(conf);
    pythonPath();
    const tasks = await openTaskSets(loaded.config);
    const yaml = loaded.expandedYaml();
    const experiment = resume ? await Experiment.reopen(folder, yaml) : await Experiment.create(folder, yaml);
    const progress = new Progress({ write: (text) => process.stdout.write(text) }, `${folder}/run.log`);
    const say = (line: string): void => progress.say(line);
    const newestCheckpoint = async (): Promise<number> => (await experiment.checkpointSteps()).at(-1) ?? -1;
    try {
      return await throughLosses(
        async (attempt) => {
          // Shared memory is one machine's; several share the experiment's folder.
          const weightsRoot = (await nodes()).length > 1 ? folder : await sharedRoot();
          const run = { loaded, tasks, experiment, progress, searchFolders, weightsRoot, openCrew: openTrinityCrew };
          return runExperiment({ ...run, ...attempt, signal: this.#stop.signal });
        },
        { first: { resume, afterLoss }, newestCheckpoint, say, signal: this.#stop.signal },
      );
    } finally {
      progress.close();
    }
  }
}
