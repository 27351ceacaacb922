/** `astune.trainer_common.algorithm`: advantage, loss and clipping. Formulas: actors/learner/kernel/losses.py. */

import { z } from "zod";
import { key, section } from "./key.ts";

const ALGORITHMS = ["grpo", "dr_grpo", "gspo", "cispo", "rloo", "reinforce_plus_plus", "sft"] as const;
const AGGREGATIONS = ["token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm"] as const;

const byAlgorithm = {
  clip_ratio_low: "0.2; 3e-4 for gspo",
  clip_ratio_high: "0.2; 4e-4 for gspo",
  loss_aggregation: "token-mean; seq-mean-token-mean for gspo, seq-mean-token-sum-norm for dr_grpo",
};

const asGiven = section(
  {
    name: key(
      z.enum(ALGORITHMS).default("grpo"),
      "How rewards become advantages and a loss. `adv_estimator` is the same key.",
    ),
    clip_ratio_low: key(
      z.number().min(0).max(1).nullable().default(null),
      "How far below 1 the probability ratio of a token counts.",
      { defaultNote: byAlgorithm.clip_ratio_low },
    ),
    clip_ratio_high: key(
      z.number().min(0).nullable().default(null),
      "How far above 1 the probability ratio of a token counts; more than `clip_ratio_low` is known as clip-higher.",
      { defaultNote: byAlgorithm.clip_ratio_high },
    ),
    clip_ratio_c: key(
      z.number().gt(1).default(3),
      "Upper bound of the ratio where the advantage is negative (dual clip).",
    ),
    loss_aggregation: key(z.enum(AGGREGATIONS).nullable().default(null), "How token losses become one number.", {
      defaultNote: byAlgorithm.loss_aggregation,
    }),
    importance_sampling_cap: key(
      z.number().min(0).default(2),
      "Upper bound of the weight that corrects what engine and learner differ in (truncated importance sampling); 0 switches it off.",
    ),
    dynamic_sampling: key(
      z.boolean().default(false),
      "Leave out groups whose episodes all have one reward, and take further tasks in their place.",
    ),
    use_kl_in_reward: key(z.boolean().default(false), "Takes the KL term off the reward.", {
      noEffect: "the KL term is part of the loss: `trainer_common.use_kl_loss`",
      quietAt: [false],
    }),
    task_norm_patch: key(z.boolean().default(false), "Upstream's other way to normalise advantages.", {
      noEffect: "advantages are those of `algorithm.name`",
      quietAt: [false],
    }),
  },
  "Advantage and loss.",
);

/** The section with what depends on the algorithm filled in. */
export const algorithmSection = asGiven.transform((given) => ({
  ...given,
  clip_ratio_low: given.clip_ratio_low ?? (given.name === "gspo" ? 3e-4 : 0.2),
  clip_ratio_high: given.clip_ratio_high ?? (given.name === "gspo" ? 4e-4 : 0.2),
  loss_aggregation: given.loss_aggregation ?? aggregationOf(given.name),
}));

function aggregationOf(name: (typeof ALGORITHMS)[number]): (typeof AGGREGATIONS)[number] {
  if (name === "dr_grpo") return "seq-mean-token-sum-norm";
  return name === "gspo" ? "seq-mean-token-mean" : "token-mean";
}
