// Looking at jobs, and ending them.
import type { HeadAccess } from "../client/index.ts";
import type { JobInfo } from "../control/index.ts";
import { runtime } from "../current.ts";
import { RaySystemError } from "../errors/index.ts";

/** The head of the runtime that `init()` started; where it has none, RaySystemError. */
export function ownHead(): HeadAccess {
  const backend = runtime();
  if (!backend.askHead) throw new RaySystemError("jobs need a cluster: init() was called with local: true");
  return { ask: (method, payload) => (backend.askHead as HeadAccess["ask"])(method, payload) };
}

/** All jobs that the head remembers: those submitted, and drivers. `head`: another than that of `init()`. */
export async function listJobs(head: HeadAccess = ownHead()): Promise<JobInfo[]> {
  return (await head.ask("jobs", null)) as JobInfo[];
}

/** One job; undefined where there is none of this id. */
export async function getJob(jobId: string, head: HeadAccess = ownHead()): Promise<JobInfo | undefined> {
  return ((await head.ask("job", jobId)) as JobInfo | null) ?? undefined;
}

/**
 * Ends a job: it may close what it has (30 s), then its processes are gone. False where it has ended already. Rejects
 * with RaySystemError for an unknown id, and for a driver, which only its own process can end.
 */
export async function stopJob(jobId: string, head: HeadAccess = ownHead()): Promise<boolean> {
  return (await head.ask("stopJob", jobId)) as boolean;
}

export function isEnded({ status }: Pick<JobInfo, "status">): boolean {
  return status === "STOPPED" || status === "SUCCEEDED" || status === "FAILED";
}
