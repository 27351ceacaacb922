/** The contract of the learner: what the loop asks of the training kernel. */

import type { TrainingSequence } from "../episode.ts";

export type AlgorithmName = "grpo" | "dr_grpo" | "gspo" | "cispo" | "rloo" | "reinforce_plus_plus" | "sft";
export type LossAggregation = "token-mean" | "seq-mean-token-mean" | "seq-mean-token-sum" | "seq-mean-token-sum-norm";

/** A sequence with its episode's advantage. */
export interface TrainingSample extends TrainingSequence {
  readonly advantage: number;
}

/** How to load the model. */
export interface LearnerOptions {
  readonly modelPath: string;
  /** Arithmetic of the forward pass; weights the optimiser sees are always float32. */
  readonly dtype: "float32" | "bfloat16";
  readonly device: "auto" | "cpu" | "cuda";
  readonly seed: number;
  readonly gradientCheckpointing: boolean;
  /** What computes the head's loss; `plain` by default. */
  readonly headKernel?: "plain" | "fused";
  /** Keep a frozen copy of the starting weights for the KL term. */
  readonly reference: boolean;
  readonly lora?: {
    readonly rank: number;
    readonly alpha: number;
    readonly targetModules: readonly string[] | "all-linear";
  };
  readonly optimizer: {
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly weightDecay: number;
    readonly gradClip: number;
    /** Updates over which the rate rises from 0. */
    readonly warmupSteps: number;
    /** The rate after warm-up: as it is, or along half a cosine down to `minLrRatio` · `lr`. */
    readonly schedule: "constant" | "cosine";
    readonly minLrRatio: number;
    /** Updates of the whole run, those before a resume included: where the cosine ends. */
    readonly totalUpdates: number;
  };
}

/** How to turn samples into a loss; formulas in the kernel's `losses.py`. */
export interface TrainOptions {
  readonly algorithm: AlgorithmName;
  readonly temperature: number;
  readonly clipRatioLow: number;
  readonly clipRatioHigh: number;
  readonly clipRatioC: number;
  readonly lossAggregation: LossAggregation;
  /** `L_max` of `seq-mean-token-sum-norm`. */
  readonly maxSequenceLength: number;
  /** C of truncated importance sampling; 0 switches it off. */
  readonly importanceSamplingCap: number;
  readonly klLossCoef: number;
  readonly klLossType: "k1" | "k2" | "k3";
  /** Optimiser updates that this batch is split into. */
  readonly miniBatches: number;
  /** Upper bound of tokens in one packed micro-batch. */
  readonly maxTokensPerMicroBatch: number;
}

/** What one training step did. */
export interface TrainMetrics {
  readonly loss: number;
  readonly klLoss: number;
  readonly entropy: number;
  readonly gradNorm: number;
  readonly clipFraction: number;
  /** exp(learner's log-probability before the update − engine's): mean and maximum over trained tokens. */
  readonly mismatchMean: number;
  readonly mismatchMax: number;
  /** |learner's log-probability before the update − engine's|, mean over trained tokens. */
  readonly logprobDifference: number;
  readonly trainedTokens: number;
  readonly totalTokens: number;
  readonly updates: number;
  /** Learning rate of the next update. */
  readonly learningRate: number;
  /** Updates that were left out because a gradient or weight was not finite, and where their batches lie. */
  readonly skippedUpdates: number;
  readonly skippedBatches: readonly string[];
  readonly seconds: number;
}
