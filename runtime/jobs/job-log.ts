// The log of a job: what its entry's process writes, and that of earlier ones where it was made again.
import type { HeadAccess } from "../client/index.ts";
import type { LogQuery } from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { getJob, isEnded, ownHead } from "./jobs.ts";
import { followLog, readLogs } from "./read-logs.ts";

/** Everything that it has written until now. Rejects with RaySystemError for an unknown job. */
export async function jobLogs(jobId: string, head: HeadAccess = ownHead()): Promise<string> {
  const query = await queryOf(jobId, head);
  let log = "";
  if (query) for await (const { text } of readLogs(head, query)) log += text;
  return log;
}

/**
 * Its log from the beginning, as it grows; ends when the job has. Rejects with RaySystemError for an unknown job, and with
 * the signal's reason when it is aborted: the job goes on.
 */
export async function* followJob(
  jobId: string,
  head: HeadAccess = ownHead(),
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const isOver = async (): Promise<boolean> => {
    const job = await getJob(jobId, head);
    return job === undefined || isEnded(job);
  };
  for await (const { text } of followLog(head, () => queryOf(jobId, head), isOver, signal)) yield text;
}

/** Undefined while nothing of it has run. A driver's log is what its tasks and actors write. */
async function queryOf(jobId: string, head: HeadAccess): Promise<LogQuery | undefined> {
  const job = await getJob(jobId, head);
  if (!job) throw new RaySystemError(`Job ${jobId} does not exist`);
  if (job.type === "DRIVER") return { jobId };
  return job.actorId === null ? undefined : { actorId: job.actorId };
}
