/** What the configuration means for each actor: the constructor and load options that every backbone hands out. */

import type { InferenceOptions, JudgeActorOptions, LearnerOptions, RolloutOptions } from "../../actors/index.ts";
import type { AstuneConfig } from "../../configs/index.ts";

/** Folders in which `module->Class` is looked up, besides the package: the YAML's, then the working folder. */
export type SearchFolders = readonly string[];

/** Arithmetic of forward passes; `auto` is bfloat16 on a GPU and float32 on a CPU. */
function dtypeOf(config: AstuneConfig, gpus: number): "float32" | "bfloat16" {
  const { dtype } = config.model;
  if (dtype !== "auto") return dtype;
  return gpus > 0 ? "bfloat16" : "float32";
}

/** `totalUpdates`: of the whole run, for the learning rate's schedule. */
export function learnerOptions(config: AstuneConfig, gpus: number, totalUpdates: number): LearnerOptions {
  const { trainer_common: trainer, model } = config;
  return {
    modelPath: model.path,
    dtype: dtypeOf(config, gpus),
    device: gpus === 0 ? "cpu" : "auto",
    seed: config.seed,
    gradientCheckpointing: trainer.gradient_checkpointing,
    headKernel: trainer.head_kernel,
    reference: trainer.use_kl_loss && trainer.kl_loss_coef > 0,
    ...(trainer.lora.rank > 0 && {
      lora: { rank: trainer.lora.rank, alpha: trainer.lora.alpha, targetModules: trainer.lora.target_modules },
    }),
    optimizer: {
      lr: trainer.optim.lr,
      betas: trainer.optim.betas,
      weightDecay: trainer.optim.weight_decay,
      gradClip: trainer.optim.grad_clip,
      warmupSteps: trainer.optim.lr_warmup_steps,
      schedule: trainer.optim.lr_scheduler_type,
      minLrRatio: trainer.optim.min_lr_ratio,
      totalUpdates,
    },
  };
}

/** vLLM's CPU build rounds logits to bfloat16 unless it is told; the learner keeps them in float32. */
const FLOAT32_LOGITS = ["--hf-overrides", '{"head_dtype":"float32"}'];

export function vllmOptions(config: AstuneConfig, gpus: number, logFolder: string): InferenceOptions {
  const { rollout, inference, model } = config;
  const dtype = dtypeOf(config, gpus);
  return {
    kind: "vllm",
    modelPath: model.path,
    logDir: logFolder,
    vllm: {
      tensorParallelSize: rollout.tensor_model_parallel_size,
      maxModelLen: rollout.max_model_len,
      maxNumSeqs: rollout.max_num_seqs,
      dtype,
      gpuMemoryUtilization: inference.gpu_memory_utilization,
      enforceEager: inference.enforce_eager,
      seed: config.seed,
      extraArgs: [...(gpus === 0 && dtype === "bfloat16" ? FLOAT32_LOGITS : []), ...inference.vllm_args],
    },
  };
}

/** An embedded engine in a process of its own. */
export function embeddedOptions(config: AstuneConfig, gpus: number, logFolder: string): InferenceOptions {
  return {
    kind: "embedded",
    modelPath: config.model.path,
    logDir: logFolder,
    embedded: {
      dtype: dtypeOf(config, gpus),
      device: gpus === 0 ? "cpu" : "auto",
      deterministic: config.deterministic,
      maxBatch: config.inference.max_batch,
    },
  };
}

export function rolloutOptions(config: AstuneConfig, folders: SearchFolders): Omit<RolloutOptions, "engines"> {
  const { rollout, model, task_reader: reader } = config;
  const { env_url, env_type } = reader.env_service;
  return {
    ...(reader.type === "env_service" && { envService: { env_url, env_type } }),
    modelPath: model.path,
    workflow: rollout.agentscope_learn_protocol,
    searchFolders: [...folders],
    config: { astune: config },
    maxModelLen: rollout.max_model_len,
    maxResponseTokens: rollout.max_response_length_in_one_turn,
    maxSteps: rollout.multi_turn.max_steps,
    sandbox: {
      timeMs: rollout.sandbox.timeout_seconds * 1000,
      memoryBytes: rollout.sandbox.memory_mb * 2 ** 20,
      processes: rollout.sandbox.max_processes,
      outputBytes: rollout.sandbox.max_output_bytes,
    },
  };
}

export function judgeOptions(config: AstuneConfig, folders: SearchFolders): JudgeActorOptions {
  const judge = config.task_judge;
  return {
    protocol: judge.judge_protocol,
    searchFolders: [...folders],
    options: {
      ...judge.judge_options,
      alien_llm_model: judge.alien_llm_model,
      alien_llm_response_length: judge.alien_llm_response_length,
      alien_llm_base_url: judge.alien_llm_base_url,
      alien_llm_api_key_env: judge.alien_llm_api_key_env,
    },
  };
}
