/** A key of upstream's that changes nothing here loads, and says so once. */

import { expect, test } from "vitest";
import { loadConfig } from "../../../configs/index.ts";
import { leaves, nodeAt, spell } from "../../../configs/key-tree.ts";
import { SMALLEST, yamlFolder } from "./yaml-folder.ts";

const { write } = yamlFolder();

/** A file as upstream's math agent has it, with every section that upstream writes. */
const UPSTREAM = `hydra:
  searchpath: [file://external/verl]
defaults: [verl_default, trinity_default, astune_default, _self_]
astune:
  project_name: math_agent
  experiment_name: read_yaml_name
  experiment_dir: auto
  backbone: trinity
  model: { path: /models/Qwen2.5-14B-Instruct }
  data: { max_prompt_length: 3000, max_response_length: 10000, train_batch_size: 264 }
  rollout:
    use_agentscope_protocol: True
    agentscope_learn_protocol: tutorial.example_math_agent.math_agent->ExampleMathLearn
    temperature: 0.7
    max_env_worker: 64
    num_repeat: 4
    agent_madness_reward: 0.0
    compute_madness_checklist: [nonsense, wrong_toolcall]
    max_response_length_in_one_turn: 1024
    max_model_len: 13000
    agentscope_disable_toolcalls: False
    gamma: 1.0
    multi_turn: { enable: True, max_sample_per_task: 4, max_steps: 30 }
    binary_reward: False
    mode: async
    step_skip_action: 0
    enable_oversample: True
    submit_oversample_multiplier: 1.5
    val_kwargs: { temperature: 0.0, top_k: -1, top_p: 1.0, do_sample: False, num_repeat: 1 }
  task_reader:
    type: huggingface_dat_repo
    huggingface_dat_repo: { dataset_path: openai/gsm8k, training_split: train, validation_split: test }
  task_judge:
    judge_type: customized_protocal
    judge_protocol: astune.task_judge.math_answer_as_judge->MathAnswerAsJudge
  debug: { debug_max_parallel: 16, debug_first_n_tasks: 2, debug_vllm_port: 18000 }
  trainer_common:
    val_before_train: False
    save_freq: 99999
    test_freq: 99999
    total_epochs: 99999
    nnodes: 1
    n_gpus_per_node: 8
    logger: [console, swanlab]
    algorithm: { adv_estimator: grpo, use_kl_in_reward: False, task_norm_patch: False }
    mini_batch_num: 1
    fsdp_config: { param_offload: True, optimizer_offload: True }
    optim: { lr: 1e-6 }
    use_kl_loss: True
    kl_loss_coef: 0.002
    kl_loss_type: low_var_kl
    ulysses_sequence_parallel_size: 1
    trinity_only__n_vllm_engine: 2
trinity:
  synchronizer: { sync_interval: 2, sync_offset: 1, sync_method: nccl, sync_timeout: 1200 }
  explorer: { max_timeout: 7200, rollout_model: { enforce_eager: true } }
`;

test("a file of upstream's loads; each key without effect is told once, with its line and the reason", async () => {
  const path = write("upstream.yaml", UPSTREAM);
  const { config, warnings } = await loadConfig(path);
  expect(config.trainer_common.algorithm.name).toBe("grpo");
  expect(config.trainer_common.n_gpus_per_node).toBe(8);
  const keys = warnings.map((warning) => warning.slice(path.length + 1).split(": ")[1]);
  expect(keys.sort()).toEqual(
    [
      "hydra",
      "defaults",
      "astune.data.max_prompt_length",
      "astune.data.max_response_length",
      "astune.rollout.agent_madness_reward",
      "astune.rollout.compute_madness_checklist",
      "astune.rollout.multi_turn.max_sample_per_task",
      "astune.rollout.enable_oversample",
      "astune.rollout.submit_oversample_multiplier",
      "astune.debug.debug_first_n_tasks",
      "astune.debug.debug_vllm_port",
      "astune.trainer_common.fsdp_config",
      "astune.trainer_common.logger",
      "trinity",
    ].sort(),
  );
  const swanlab = warnings.find((warning) => warning.includes("logger"));
  const line = UPSTREAM.split("\n").findIndex((text) => text.includes("logger:")) + 1;
  expect(swanlab).toBe(
    `${path}:${line}: astune.trainer_common.logger: swanlab has no effect here: console and tensorboard do`,
  );
});

test("a key without effect that says what happens anyway needs no warning", async () => {
  const text = `${SMALLEST}    gamma: 1.0\n    compute_madness_checklist: []\n    name: vllm\n`;
  expect((await loadConfig(write("quiet.yaml", text))).warnings).toEqual([]);
});

test("a key without effect is told from the command line too", async () => {
  const { warnings } = await loadConfig(write("set.yaml", SMALLEST), { set: ["rollout.gamma=0.5"] });
  expect(warnings).toEqual([
    "--set rollout.gamma: has no effect here: an episode has one reward, given to all its trained tokens",
  ]);
});

test("every key has a description, and every reason reads on after a colon", () => {
  for (const { path, node } of leaves(nodeAt(["astune"]), ["astune"])) {
    expect(node.description, spell(path)).toMatch(/^[A-Z`].*\.$/);
    if (node.noEffect !== undefined) expect(node.noEffect, spell(path)).toMatch(/[^.]$/);
  }
});
