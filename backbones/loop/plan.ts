/** What the configuration means for the loop: its numbers in one place, with the YAML's words translated once. */

import type { AlgorithmName, TrainOptions } from "../../actors/index.ts";
import type { AstuneConfig } from "../../configs/index.ts";
import type { RolloutPlan } from "./rollouts.ts";

export interface LoopPlan {
  readonly totalSteps: number;
  /** Optimiser updates of the whole run, if each step has something to learn from. */
  readonly totalUpdates: number;
  readonly tasksPerStep: number;
  readonly dynamicSampling: boolean;
  /** Steps that rollouts may run ahead of training; 0 is lockstep. */
  readonly maxStaleness: number;
  readonly saveEvery: number;
  readonly testEvery: number;
  readonly validateBefore: boolean;
  readonly validationTasks: number;
  readonly checkpointsToKeep: number;
  readonly tensorboard: boolean;
  readonly algorithm: AlgorithmName;
  readonly train: TrainOptions;
  readonly rollout: Omit<RolloutPlan, "step">;
  readonly validation: Omit<RolloutPlan, "step">;
}

/** Reads the plan off a validated configuration. `trainingTasks` and `validationTasks` are the sizes of the task sets. */
export function planLoop(config: AstuneConfig, trainingTasks: number, validationTasks: number): LoopPlan {
  const { trainer_common: trainer, rollout, data, trinity } = config;
  const { algorithm } = trainer;
  const tasksPerStep = Math.min(data.train_batch_size, trainingTasks);
  const stepsPerEpoch = Math.max(1, Math.floor(trainingTasks / tasksPerStep));
  const val = rollout.val_kwargs;
  const common = {
    maxParallel: config.backbone === "debug" ? config.debug.debug_max_parallel : rollout.max_env_worker,
    timeoutMs: rollout.episode_timeout_seconds * 1000,
    maxRetries: rollout.max_episode_retries,
    ...(config.deterministic && { seed: config.seed }),
  };
  const totalSteps = trainer.total_training_steps ?? trainer.total_epochs * stepsPerEpoch;
  return {
    totalSteps,
    totalUpdates: totalSteps * trainer.mini_batch_num,
    tasksPerStep,
    dynamicSampling: algorithm.dynamic_sampling,
    maxStaleness: config.backbone === "debug" || trinity.layout === "colocated" ? 0 : trinity.max_staleness,
    saveEvery: trainer.save_freq,
    testEvery: trainer.test_freq,
    validateBefore: trainer.val_before_train,
    validationTasks: Math.min(validationTasks, trainer.val_max_num_task_each_validation ?? validationTasks),
    checkpointsToKeep: trainer.max_checkpoints_to_keep ?? Number.POSITIVE_INFINITY,
    tensorboard: trainer.logger.includes("tensorboard"),
    algorithm: algorithm.name,
    train: {
      algorithm: algorithm.name,
      temperature: rollout.temperature,
      clipRatioLow: algorithm.clip_ratio_low,
      clipRatioHigh: algorithm.clip_ratio_high,
      clipRatioC: algorithm.clip_ratio_c,
      lossAggregation: algorithm.loss_aggregation,
      maxSequenceLength: rollout.max_model_len,
      importanceSamplingCap: algorithm.importance_sampling_cap,
      klLossCoef: trainer.use_kl_loss ? trainer.kl_loss_coef : 0,
      klLossType: trainer.kl_loss_type,
      miniBatches: trainer.mini_batch_num,
      maxTokensPerMicroBatch: trainer.max_tokens_per_micro_batch,
    },
    rollout: {
      ...common,
      split: "train",
      repeats: rollout.num_repeat,
      sampling: { temperature: rollout.temperature, topP: 1, topK: -1 },
    },
    validation: {
      ...common,
      split: "validation",
      repeats: trainer.val_pass_n,
      sampling: { temperature: val.temperature, topP: val.top_p, topK: val.top_k },
    },
  };
}
