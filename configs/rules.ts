/** Rules between keys, for a configuration whose single values are right. */

import type { AstuneConfig } from "./complete.ts";
import type { Problem } from "./problems.ts";

type Rule = (config: AstuneConfig) => Problem | undefined;

const turnFits: Rule = ({ rollout }) => {
  if (rollout.max_response_length_in_one_turn < rollout.max_model_len) return undefined;
  return {
    path: ["astune", "rollout", "max_response_length_in_one_turn"],
    expected: `less than rollout.max_model_len = ${rollout.max_model_len}`,
    found: String(rollout.max_response_length_in_one_turn),
  };
};

const trainingFileIsNamed: Rule = ({ task_reader }) => {
  if (task_reader.type !== "dataset_file" || task_reader.dataset_file.training.file_path !== null) return undefined;
  return {
    path: ["astune", "task_reader", "dataset_file", "training", "file_path"],
    expected: "the path of a JSONL file, as task_reader.type is dataset_file",
    found: "nothing",
  };
};

const validationFileIsNamed: Rule = ({ task_reader, trainer_common }) => {
  const needed = task_reader.type === "dataset_file" && trainer_common.val_before_train;
  if (!needed || task_reader.dataset_file.validation.file_path !== null) return undefined;
  return {
    path: ["astune", "task_reader", "dataset_file", "validation", "file_path"],
    expected: "the path of a JSONL file, as trainer_common.val_before_train is true",
    found: "nothing",
  };
};

const heldOutIsHeldOut: Rule = ({ task_reader }) => {
  const { type, dataset_file, huggingface_dat_repo: repo, env_service } = task_reader;
  if (type === "dataset_file") {
    const { training, validation } = dataset_file;
    if (training.file_path === null || training.file_path !== validation.file_path) return undefined;
    return {
      path: ["astune", "task_reader", "dataset_file", "validation", "file_path"],
      expected: "another file than training.file_path",
      found: JSON.stringify(validation.file_path),
    };
  }
  const splits = type === "env_service" ? env_service : repo;
  if (splits.training_split !== splits.validation_split) return undefined;
  return {
    path: ["astune", "task_reader", type, "validation_split"],
    expected: "another split than training_split",
    found: JSON.stringify(splits.validation_split),
  };
};

const groupHasABaseline: Rule = ({ rollout, trainer_common: { algorithm } }) => {
  const needsGroup = algorithm.name === "rloo" || algorithm.name === "dr_grpo";
  if (!needsGroup || rollout.num_repeat > 1) return undefined;
  return {
    path: ["astune", "rollout", "num_repeat"],
    expected: `at least 2 with trainer_common.algorithm.name ${algorithm.name}`,
    found: String(rollout.num_repeat),
  };
};

const updatesHaveSequences: Rule = ({ data, rollout, trainer_common }) => {
  const sequences = data.train_batch_size * rollout.num_repeat;
  if (trainer_common.mini_batch_num <= sequences) return undefined;
  return {
    path: ["astune", "trainer_common", "mini_batch_num"],
    expected: `at most data.train_batch_size × rollout.num_repeat = ${sequences}`,
    found: String(trainer_common.mini_batch_num),
  };
};

const deterministicIsEmbedded: Rule = ({ deterministic, inference }) => {
  if (!deterministic || inference.engine === "embedded") return undefined;
  return {
    path: ["astune", "inference", "engine"],
    expected: "embedded, as deterministic is true",
    found: JSON.stringify(inference.engine),
  };
};

const deterministicIsLockstep: Rule = ({ deterministic, backbone, trinity }) => {
  const runsAhead = backbone === "trinity" && trinity.layout === "separate" && trinity.max_staleness > 0;
  if (!deterministic || !runsAhead) return undefined;
  return {
    path: ["astune", "trinity", "max_staleness"],
    expected: "0, as deterministic is true and rollouts that run ahead depend on timing",
    found: String(trinity.max_staleness),
  };
};

const samplingHasATemperature: Rule = ({ rollout: { val_kwargs } }) => {
  if (!val_kwargs.do_sample || val_kwargs.temperature > 0) return undefined;
  return {
    path: ["astune", "rollout", "val_kwargs", "temperature"],
    expected: "more than 0, as do_sample is true",
    found: String(val_kwargs.temperature),
  };
};

const RULES: readonly Rule[] = [
  turnFits,
  trainingFileIsNamed,
  validationFileIsNamed,
  heldOutIsHeldOut,
  groupHasABaseline,
  updatesHaveSequences,
  deterministicIsEmbedded,
  deterministicIsLockstep,
  samplingHasATemperature,
];

/** Every rule that `config` breaks. */
export function brokenRules(config: AstuneConfig): Problem[] {
  return RULES.map((rule) => rule(config)).filter((broken) => broken !== undefined);
}
