/** The public door of the trinity backbone. */

export { openTrinityCrew } from "./trinity-crew.ts";
export { TuningJob, type TuningJobOptions } from "./tuning-job.ts";
