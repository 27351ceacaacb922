/** The tuning loop as an actor, so that a cluster can run it without the command that asked for it. */

import { pythonPath, sharedRoot } from "../../actors/index.ts";
import { loadConfig } from "../../configs/index.ts";
import { getRuntimeContext, nodes } from "../../runtime/index.ts";
import { Experiment, Progress, type Summary } from "../experiment/index.ts";
import type { SearchFolders } from "../loop/index.ts";
import { openTaskSets, runExperiment } from "../run-experiment.ts";
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
    const resume = this.#options.resume || getRuntimeContext().wasCurrentActorReconstructed();
    const loaded = await loadConfig(conf);
    pythonPath();
    const tasks = await openTaskSets(loaded.config);
    const yaml = loaded.expandedYaml();
    const experiment = resume ? await Experiment.reopen(folder, yaml) : await Experiment.create(folder, yaml);
    const progress = new Progress({ write: (text) => process.stdout.write(text) }, `${folder}/run.log`);
    try {
      return await runExperiment({
        loaded,
        tasks,
        experiment,
        progress,
        searchFolders,
        // Shared memory is one machine's; several share the experiment's folder.
        weightsRoot: (await nodes()).length > 1 ? folder : await sharedRoot(),
        openCrew: openTrinityCrew,
        resume,
        signal: this.#stop.signal,
      });
    } finally {
      progress.close();
    }
  }
}
