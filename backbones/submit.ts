/** One run from a configuration file to its summary: opens everything, runs the loop, closes everything. */

import { dirname, join } from "node:path";
import { pythonPath } from "../actors/index.ts";
import { checkInputs, loadConfig, UserError } from "../configs/index.ts";
import { recordProcess, sharedRoot } from "../runtime/processes/index.ts";
import { openDebugCrew } from "./debug/index.ts";
import { Experiment, Progress, type ProgressOutput, type Summary } from "./experiment/index.ts";
import { experimentFolder, newestExperiment } from "./experiment-folder.ts";
import { startLogview } from "./logview/index.ts";
import { openTaskSets, runExperiment } from "./run-experiment.ts";

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
  const tasks = await openTaskSets(config);

  const resume = options.resume === true;
  const folder = resume ? await newestExperiment(loaded) : experimentFolder(loaded);
  const yaml = loaded.expandedYaml();
  const experiment = resume ? await Experiment.reopen(folder, yaml) : await Experiment.create(folder, yaml);
  const progress = new Progress(options.output, join(folder, "run.log"));
  for (const warning of loaded.warnings) progress.say(warning);
  progress.say(`experiment folder: ${folder}`);

  const forget = recordProcess({ pid: process.pid, name: `astune submit ${options.conf}`, leadsGroup: false });
  const logview = options.withLogview ? await startLogview({ folder, port: 8181 }) : undefined;
  if (logview !== undefined) progress.say(`logview: ${logview.url}`);
  try {
    const summary = await runExperiment({
      loaded,
      tasks,
      experiment,
      progress,
      searchFolders: [dirname(loaded.path), process.cwd()],
      weightsRoot: await sharedRoot(),
      openCrew: openDebugCrew,
      resume,
      signal: options.signal,
    });
    if (logview !== undefined) progress.say(`to look at it again: astune logview ${folder}`);
    return summary;
  } finally {
    progress.close();
    await logview?.close();
    forget();
  }
}
