/** The whole schema of a configuration file: the one source of validation, defaults, types, JSON schema and docs. */

import { z } from "zod";
import { debugSection, inferenceSection, trinitySection } from "./engines.ts";
import { key, section } from "./key.ts";
import { dataSection, modelSection } from "./model.ts";
import { rolloutSection } from "./rollout.ts";
import { taskJudgeSection } from "./task-judge.ts";
import { taskReaderSection } from "./task-reader.ts";
import { trainerCommonSection } from "./trainer-common.ts";
import {
  contextTrackerSection,
  interchangeServerSection,
  taskRunnerSection,
  topUpstreamKeys,
} from "./upstream-only.ts";
import { upstreamTrinitySection } from "./upstream-trinity.ts";

export type { KeyNotes } from "./key.ts";

/** Everything under `astune:`. */
export const astuneSection = section(
  {
    project_name: key(z.string().min(1).default("appworld_astune"), "A label, kept with the experiment."),
    experiment_name: key(
      z.string().min(1).default("read_yaml_name"),
      "Name of the experiment and of its folder; `|` becomes `-`. `read_yaml_name` is the YAML's name and the time: `math_agent_20260131_1859`.",
    ),
    experiment_dir: key(
      z.string().min(1).default("auto"),
      "Folder that holds the experiments' folders. `auto` is `saved_experiments` in the working folder.",
    ),
    backbone: key(
      z.enum(["debug", "trinity"]).default("debug"),
      "Where the loop runs: `debug` in this process, `trinity` on a cluster.",
    ),
    seed: key(
      z
        .int()
        .min(0)
        .max(2 ** 31 - 1)
        .default(42),
      "Seed of the order of tasks, of sampling and of the kernel.",
    ),
    deterministic: key(
      z.boolean().default(false),
      "Same numbers at every run on one machine: the embedded engine, fixed batches, a seed for each request.",
    ),
    model: modelSection,
    data: dataSection,
    task_reader: taskReaderSection,
    rollout: rolloutSection,
    task_judge: taskJudgeSection,
    trainer_common: trainerCommonSection,
    inference: inferenceSection,
    trinity: trinitySection,
    debug: debugSection,
    context_tracker: contextTrackerSection,
    interchange_server: interchangeServerSection,
    task_runner: taskRunnerSection,
    ...topUpstreamKeys,
  },
  "All settings of a run.",
);

const hydra = "there are no layers of files; every default is in the schema";

/** A configuration file. */
export const fileSchema = z.strictObject({
  astune: astuneSection,
  trinity: upstreamTrinitySection,
  hydra: key(z.unknown().optional(), "Upstream's search path of configuration files.", { noEffect: hydra }),
  defaults: key(z.unknown().optional(), "Upstream's list of configuration layers.", { noEffect: hydra }),
});
