/** Keys of `astune.rollout` that are kept so that upstream's files load: most of them change nothing here. */

import { z } from "zod";
import { key } from "./key.ts";

const judgeAlone =
  "the judge alone decides the reward; malformed calls and other faults are counted and shown as curves";

/** Upstream's detection of nonsense in an episode's text. */
export const madnessKeys = {
  compute_madness_checklist: key(
    z.array(z.enum(["nonsense", "wrong_toolcall", "format_type_1"])).default(["nonsense"]),
    "Checks of the text that may replace the reward.",
    { noEffect: judgeAlone, quietAt: [[]] },
  ),
  agent_madness_termination: key(z.boolean().default(true), "Whether a bad text ends the recording.", {
    noEffect: judgeAlone,
    quietAt: [false],
  }),
  agent_madness_reward: key(z.number().default(-1), "Reward of an episode with a bad text.", {
    noEffect: judgeAlone,
  }),
};

const asScored = "`EnvServiceJudge` gives the environment's own score; a judge of your own may change it";

/** What only upstream's earlier versions had. */
export const oldRolloutKeys = {
  gamma: key(z.number().default(1), "Discount of later rewards.", {
    noEffect: "an episode has one reward, given to all its trained tokens",
    quietAt: [1],
  }),
  binary_reward: key(z.boolean().default(false), "Turns the environment's score into 1 or 0.", {
    noEffect: asScored,
    quietAt: [false],
  }),
  add_special_success_reward: key(z.boolean().default(false), "Gives 1 + score / 2 for success, else score / 2.", {
    noEffect: asScored,
    quietAt: [false],
  }),
  use_step_reward_from_env: key(
    z.boolean().default(false),
    "Whether the environment's rewards of single steps count.",
    {
      noEffect: "an episode has one reward, from the judge",
      quietAt: [false],
    },
  ),
  force_think: key(z.boolean().default(false), "Makes the model think aloud.", {
    noEffect: "the chat template and the workflow decide",
    quietAt: [false],
  }),
  force_no_think: key(z.boolean().default(false), "Keeps the model from thinking aloud.", {
    noEffect: "the chat template and the workflow decide",
    quietAt: [false],
  }),
  mode: key(z.enum(["async", "sync"]).default("async"), "How requests reach the engine.", {
    noEffect: "requests are always asynchronous",
    quietAt: ["async"],
  }),
  max_env_len: key(z.int().min(1).default(4096), "Length at which an observation is cut.", {
    noEffect: "nothing that the model reads is cut silently",
  }),
  step_skip_action: key(z.int().min(0).default(0), "Steps at the start that are not trained.", {
    noEffect: "every sampled token is trained",
    quietAt: [0],
  }),
  enable_oversample: key(z.boolean().default(true), "Starts more episodes than needed and keeps the diverse ones.", {
    noEffect: "`trainer_common.algorithm.dynamic_sampling` is the way here to leave out groups that teach nothing",
    quietAt: [false],
  }),
  submit_oversample_multiplier: key(z.number().min(1).default(1.5), "How many more episodes are started.", {
    noEffect: "no more episodes are started than are trained",
    quietAt: [1],
  }),
};
