/** Group advantages: how much better an episode did than the others on the same task. */

import type { AlgorithmName } from "./learner.ts";

/** Keeps grpo's division finite; TRL's value. */
const GRPO_EPSILON = 1e-4;
/** Keeps reinforce_plus_plus's normalisation over the batch finite. */
const BATCH_EPSILON = 1e-8;

/**
 * One advantage for each reward; `groups[i]` holds the rewards of the episodes of task i, and the result has the same shape.
 *
 * - grpo, gspo, cispo: (R − mean) / (std + 1e-4), mean and std (with n − 1) of the group; a group of one has mean 0 and
 *   std 1, so that its advantage is R / (1 + 1e-4).
 * - dr_grpo: R − mean. rloo: n / (n − 1) · (R − mean). A group of one has nothing to be compared with: 0.
 * - reinforce_plus_plus: R − mean, then (A − mean) / (std + 1e-8) over the whole batch, std with n − 1.
 * - sft: 1, and the loss does not look at it.
 *
 * A group of equal rewards gives exactly 0 (before reinforce_plus_plus's batch step), however its mean is rounded.
 * Rewards must be finite: a RangeError says which is not.
 */
export function groupAdvantages(algorithm: AlgorithmName, groups: readonly (readonly number[])[]): number[][] {
  for (const [index, rewards] of groups.entries())
    for (const reward of rewards)
      if (!Number.isFinite(reward)) throw new RangeError(`group ${index}: expected finite rewards, got ${reward}`);
  switch (algorithm) {
    case "grpo":
    case "gspo":
    case "cispo":
      return groups.map(standardised);
    case "dr_grpo":
      return groups.map(centred);
    case "rloo":
      return groups.map((rewards) =>
        centred(rewards).map((a) => (a * rewards.length) / Math.max(1, rewards.length - 1)),
      );
    case "reinforce_plus_plus":
      return normalisedOverBatch(groups.map(centred));
    case "sft":
      return groups.map((rewards) => rewards.map(() => 1));
  }
}

/** Whether a group teaches nothing: all its rewards are equal, and there is more than one. Such groups may be dropped. */
export function isUninformative(rewards: readonly number[]): boolean {
  return rewards.length > 1 && rewards.every((reward) => reward === rewards[0]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation with n − 1; 0 for fewer than two values. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

function centred(rewards: readonly number[]): number[] {
  if (rewards.every((reward) => reward === rewards[0])) return rewards.map(() => 0);
  const centre = mean(rewards);
  return rewards.map((reward) => reward - centre);
}

function standardised(rewards: readonly number[]): number[] {
  if (rewards.length === 1) return rewards.map((reward) => reward / (1 + GRPO_EPSILON));
  const scale = deviation(rewards) + GRPO_EPSILON;
  return centred(rewards).map((a) => a / scale);
}

function normalisedOverBatch(groups: readonly number[][]): number[][] {
  const all = groups.flat();
  if (all.every((a) => a === 0)) return groups.map((group) => [...group]);
  const centre = mean(all);
  const scale = deviation(all) + BATCH_EPSILON;
  return groups.map((group) => group.map((a) => (a - centre) / scale));
}
