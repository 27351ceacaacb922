/** The public door of the trinity backbone. */

export { RolloutPool } from "./rollout-pool.ts";
export { openTrinityCrew } from "./trinity-crew.ts";
export { TuningJob, type TuningJobOptions } from "./tuning-job.ts";
