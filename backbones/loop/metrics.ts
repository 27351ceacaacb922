/** The learner's numbers under the names that files and curves use, and the line that people read after each step. */

import type { JudgedEpisode, TrainMetrics } from "../../actors/index.ts";
import { rolloutMetrics } from "../experiment/index.ts";
import type { Exploration } from "./explorer.ts";

/** Metrics of the rollouts that a step tells of; `groups` holds the episodes of each task. */
export function explorationMetrics(
  groups: readonly (readonly JudgedEpisode[])[],
  { failed, retried, busySeconds, heldSeconds, tokensPerSecond }: Exploration,
): Record<string, number> {
  return {
    ...rolloutMetrics(groups),
    "episode/failed": failed,
    "episode/retried": retried,
    "time/rollout_seconds": busySeconds,
    "time/held_seconds": heldSeconds,
    "throughput/rollout_tokens_per_second": tokensPerSecond,
  };
}

/** Metrics of one update; none where a step had nothing to learn from. */
export function learnerMetrics(metrics: TrainMetrics | undefined): Record<string, number> {
  if (metrics === undefined) return {};
  return {
    "learner/loss": metrics.loss,
    "learner/kl_loss": metrics.klLoss,
    "learner/entropy": metrics.entropy,
    "learner/grad_norm": metrics.gradNorm,
    "learner/clip_fraction": metrics.clipFraction,
    "learner/mismatch_mean": metrics.mismatchMean,
    "learner/mismatch_max": metrics.mismatchMax,
    "learner/logprob_difference": metrics.logprobDifference,
    "learner/trained_tokens": metrics.trainedTokens,
    "learner/total_tokens": metrics.totalTokens,
    "learner/updates": metrics.updates,
    "learner/learning_rate": metrics.learningRate,
    "learner/skipped_updates": metrics.skippedUpdates,
    "throughput/learn_tokens_per_second": metrics.totalTokens / Math.max(1e-6, metrics.seconds),
  };
}

const percent = (value: number | undefined): string => `${((value ?? 0) * 100).toFixed(0)} %`;

/** Reward, success, faults and speed of a step in one line. */
export function stepLine(metrics: Readonly<Record<string, number>>): string {
  const faults = `malformed ${percent(metrics["fault/malformed_call"])}, no print ${percent(metrics["fault/no_print"])}, early ${percent(metrics["fault/early_answer"])}`;
  const speed = `${Math.round(metrics["throughput/rollout_tokens_per_second"] ?? 0)} tokens/s`;
  const skipped = metrics["learner/skipped_updates"] ? `  ${metrics["learner/skipped_updates"]} updates skipped` : "";
  return `reward ${(metrics["reward/mean"] ?? 0).toFixed(3)}  success ${percent(metrics["reward/success"])}  ${faults}  ${metrics["episode/count"]} episodes  ${speed}${skipped}`;
}
