/** Takes the reward from the task's own environment. */

import type { JudgeResult } from "../episode.ts";
import type { Judge, JudgeInput } from "./judge.ts";

/** Asks `env.evaluate` for the (dense) reward; a reward of 1 or more is a success. Throws where there is no environment. */
export class EnvServiceJudge implements Judge {
  async computeReward(input: JudgeInput): Promise<JudgeResult> {
    if (!input.env) throw new Error("there is no environment to ask: this judge needs task_reader.type: env_service");
    const rawReward = await input.env.evaluate({ sparse: false });
    return { rawReward, isSuccess: rawReward >= 1, reason: `the environment says ${rawReward}` };
  }
}
