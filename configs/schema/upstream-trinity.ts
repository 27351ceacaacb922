/** The separate `trinity:` section of upstream's files, checked key by key; `astune:` says the same and is what is read. */

import { z } from "zod";
import { count, key } from "./key.ts";

const any = z.looseObject({}).optional();
const text = z.string().optional();
const flag = z.boolean().optional();
const whole = z.int().min(0).optional();
const positive = count.optional();
const number = z.number().optional();

const group = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.strictObject(shape).optional();

const algorithm = group({
  algorithm_type: text,
  repeat_times: positive,
  optimizer: group({ lr: z.number().positive().optional() }),
  policy_loss_fn_args: group({
    fallback_to_policy_gradient: flag,
    clip_range: number,
    clip_ratio_c: number,
    loss_agg_mode: text,
    enable_sequence_masking: flag,
    delta_sequence_masking: number,
  }),
});

const buffer = group({
  batch_size: positive,
  train_batch_size: positive,
  total_epochs: positive,
  explorer_input: group({
    eval_tasksets: z.array(z.unknown()).optional(),
    taskset: group({
      name: text,
      path: text,
      split: text,
      storage_type: text,
      default_workflow_type: text,
      format: any,
      rollout_args: any,
    }),
  }),
  trainer_input: group({
    experience_buffer: group({
      name: text,
      storage_type: text,
      max_read_timeout: positive,
      replay_buffer: group({ enable: flag }),
    }),
  }),
});

const explorer = group({
  max_repeat_times_per_runner: positive,
  max_timeout: positive,
  runner_per_model: positive,
  eval_interval: positive,
  rollout_model: group({
    dtype: text,
    enable_auto_tool_choice: flag,
    enable_history: flag,
    enable_openai_api: flag,
    enable_prefix_caching: flag,
    enable_thinking: flag,
    enforce_eager: flag,
    engine_num: positive,
    tensor_parallel_size: positive,
    seed: z.int().optional(),
    tool_call_parser: text,
    max_model_len: positive,
    gpu_memory_utilization: number,
  }),
});

export const upstreamTrinitySection = key(
  z
    .strictObject({
      project: text,
      group: text,
      name: text,
      mode: text,
      checkpoint_root_dir: text,
      model: group({
        model_path: text,
        max_model_len: positive,
        max_prompt_tokens: positive,
        max_response_tokens: positive,
      }),
      algorithm,
      buffer,
      explorer,
      synchronizer: group({
        sync_interval: positive,
        sync_offset: whole,
        sync_method: z.enum(["nccl", "checkpoint", "memory"]).optional(),
        sync_style: text,
        sync_timeout: positive,
      }),
      trainer: group({
        grad_clip: z.number().positive().optional(),
        use_dynamic_bsz: flag,
        max_token_len_per_gpu: positive,
        save_interval: positive,
        ulysses_sequence_parallel_size: positive,
        trainer_config: any,
      }),
      cluster: group({ node_num: positive, gpu_per_node: positive }),
      monitor: group({ monitor_type: text }),
    })
    .optional(),
  "Settings of upstream's Trinity-RFT.",
  { noEffect: "the trinity backbone here takes its settings from `astune:`; those of its own are in `astune.trinity`" },
);
