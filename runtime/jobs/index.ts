// Jobs: what a cluster runs without whoever asked for it. A job is a class with `run()`, which a detached actor runs.
//
//   const { jobId } = await submitJob({ entry: Sweep, args: [7], resources: { GPU: 2 } });
//   for await (const text of followJob(jobId)) process.stdout.write(text);
export { type ConnectHeadOptions, connectHead, type HeadAccess, type HeadConnection } from "../client/index.ts";
export type { JobErrorType, JobInfo, JobStateName } from "../control/index.ts";
export { JobActor } from "./job-actor.ts";
export { followJob, jobLogs } from "./job-log.ts";
export { getJob, isEnded, listJobs, stopJob } from "./jobs.ts";
export { followLog, type LogText, readLogs } from "./read-logs.ts";
export type { Runnable } from "./runnable.ts";
export { type JobEntry, type JobSpec, submitJob } from "./submit-job.ts";
